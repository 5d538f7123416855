"""Share tokens (分享凭证): what a link, a code or a poster carries in place of a member's number."""

from datetime import timedelta
from enum import StrEnum

from loyalty.kernel.errors import Conflict, NotFound

TOKEN_LENGTH = 20
TOKEN_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"  # noqa: S105 - no token, letters of them
CODE_LENGTH = 8
CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""What nobody misreads when it is read aloud and typed."""
LINK_LIFE_DEFAULT = timedelta(days=30)
SCENE_KIND = "share_token"
"""What a scene QR (带参数二维码) of an Official Account stands for that carries a share."""
_SCENE_PREFIX = "r="


class Channel(StrEnum):
    """Where a share goes; each can be switched off at once (一键关闭)."""

    OFFICIAL_ACCOUNT = "oa"
    MINI_PROGRAM = "mini_program"
    POSTER = "poster"
    CODE = "code"
    """A referral code (邀请码), typed or read aloud; it never expires."""


class Purpose(StrEnum):
    """What a share is for; a friend who comes by either counts as invited."""

    REFERRAL = "referral"
    MISSION = "mission"


class ChannelOff(Conflict):
    """Sharing by this channel is switched off."""

    code = "share_channel_off"
    message = "该分享渠道已关闭"


class ReferralsNotOpen(Conflict):
    """No referral programme is in force."""

    code = "referrals_not_open"
    message = "邀请活动尚未开始或已结束"


class ShareTokenNotFound(NotFound):
    """Nobody shared anything by this token or code."""

    code = "share_token_not_found"
    message = "邀请链接或邀请码不正确"


def normalise(token: str) -> str:
    """Return a token as it was made: people type codes in small letters and with spaces."""
    tidy = token.strip()
    upper = tidy.replace(" ", "").replace("-", "").upper()
    return upper if len(upper) == CODE_LENGTH else tidy


def scene_of(token: str) -> str:
    """Return what a mini-program code carries; WeChat allows 32 characters."""
    return f"{_SCENE_PREFIX}{token}"


def token_in_scene(scene: str) -> str | None:
    """Return the token that a mini-program code carried, if it carried one."""
    return scene.removeprefix(_SCENE_PREFIX) if scene.startswith(_SCENE_PREFIX) else None
