"""What WeChat and an SMS provider answer, in our own words: outcomes of sends, people, codes, templates, opinions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SendState(StrEnum):
    """What became of a message, as far as the call itself can tell."""

    ACCEPTED = "accepted"
    """The platform took it; whether it arrived is told by a later push."""
    REFUSED = "refused"
    """The receiver does not want it: final, expected, no alarm."""
    FAILED_FINAL = "failed_final"
    """Nothing was sent and trying again would end the same."""
    FAILED_RETRY = "failed_retry"
    """Nothing was sent; a later attempt may work."""
    UNKNOWN = "unknown"
    """No answer: it may or may not have been sent."""


class SendReason(StrEnum):
    """Why a message was not accepted; the caller draws its conclusions from this alone."""

    NO_GRANT = "no_grant"
    """No subscription grant is left, or it was withdrawn: the grant ledger goes to zero."""
    NOT_FOLLOWING = "not_following"
    """The receiver does not follow the account: the identity is marked unfollowed."""
    WINDOW_CLOSED = "window_closed"
    """No customer message may be written now: no act of the person allows it, or those allowed are used up."""
    BLOCKED_BY_RECEIVER = "blocked_by_receiver"
    IDENTITY_UNKNOWN = "identity_unknown"
    """The openid is not of this account: the identity is marked bad."""
    TEMPLATE_UNKNOWN = "template_unknown"
    VALUE_REFUSED = "value_refused"
    PAGE_UNKNOWN = "page_unknown"
    QUOTA_USED = "quota_used"
    """Nothing more today on this channel: wait for midnight in China."""
    BUSY = "busy"
    NOT_PERMITTED = "not_permitted"
    """The account may not use the interface, is punished or wrongly configured: stop and alarm."""
    NO_ANSWER = "no_answer"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """The recorded result of one attempt to send."""

    state: SendState
    reason: SendReason | None = None
    provider_message_id: str | None = None
    errcode: int | None = None
    """For logs and the console only; nobody decides by it."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class OAuthIdentity:
    """Who came back from web authorisation (网页授权)."""

    openid: str
    unionid: str | None
    is_snapshot: bool
    """A virtual account of the read-only snapshot page (快照页): never a member."""
    access_token: str
    """The user's own token, good for ``fetch_profile`` only; never stored."""
    scope: str


@dataclass(frozen=True, slots=True)
class WechatProfile:
    """What a user consented to show."""

    openid: str
    unionid: str | None
    nickname: str
    avatar_url: str


@dataclass(frozen=True, slots=True)
class Follower:
    """What an Official Account may know of a person; all but the openid empty when not following."""

    openid: str
    is_following: bool
    unionid: str | None = None
    followed_at: datetime | None = None
    scene: str | None = None
    """How they came, such as ``ADD_SCENE_QR_CODE``; ``scene_key`` is our string in that code."""
    scene_key: str | None = None


@dataclass(frozen=True, slots=True)
class SceneQr:
    """A QR code, permanent without an expiry, that carries a string of ours; the image is drawn from ``url``."""

    ticket: str
    url: str
    expires_in_seconds: int | None


@dataclass(frozen=True, slots=True)
class JsSignature:
    """What ``wx.config`` of the JS-SDK needs for one page."""

    appid: str
    timestamp: int
    nonce: str
    signature: str


@dataclass(frozen=True, slots=True)
class MiniProgramPage:
    """A page of a linked mini program that a template message opens."""

    appid: str
    page: str


@dataclass(frozen=True, slots=True)
class AccountTemplate:
    """A message template as the account has it, with lines such as ``积分变动:{{number2.DATA}}``."""

    template_id: str
    title: str
    content: str
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Of keys with reviewed values (enum, const): the values."""


@dataclass(frozen=True, slots=True)
class MiniProgramLogin:
    """Who a login code stands for. ``session_key`` never leaves the server."""

    openid: str
    unionid: str | None
    session_key: str


class RiskRank(StrEnum):
    """WeChat's opinion on a user, coarse on purpose; unknown means hold, not refuse."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNKNOWN = "unknown"


class TextVerdict(StrEnum):
    """What the content check says about a text typed by a member."""

    PASS = "pass"  # noqa: S105 the word of WeChat's answer, not a secret
    REVIEW = "review"
    RISKY = "risky"
    UNKNOWN = "unknown"
