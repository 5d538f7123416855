"""What the domain and the doors may ask of WeChat and of an SMS provider.

Implementations: ``gateways.wechat`` and ``gateways.sms`` for real, ``gateways.null`` for tests. Every
call except ``authorize_url`` goes over the network: never make one inside a transaction. Calls that
are not sends raise the errors of ``gateways.errors``; sends never raise, they return an outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from loyalty.kernel.database import Json

OAuthScope = Literal["snsapi_base", "snsapi_userinfo"]
RiskScene = Literal["enrolment", "marketing"]
TextScene = Literal["profile", "comment", "forum", "social_log"]
PageVersion = Literal["release", "trial", "develop"]


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


class OfficialAccount(Protocol):
    """An Official Account (服务号) of ours."""

    @property
    def appid(self) -> str:
        """The account's appid."""

    def authorize_url(self, *, return_to: str, state: str, scope: OAuthScope) -> str:
        """Return where to send the browser for web authorisation; no network."""

    def exchange_code(self, code: str) -> OAuthIdentity:
        """Turn the code of an OAuth return into an identity.

        Raises:
            WechatCodeInvalid: start the authorisation anew, once (``WechatCodeUsed`` on a reload).
            WechatUserBlocked: WeChat refuses this user.
            WechatUnavailable, WechatMisconfigured: as everywhere.
        """

    def fetch_profile(self, *, openid: str, access_token: str) -> WechatProfile:
        """Return nickname and avatar of a user who consented.

        Raises:
            WechatProfileRefused: consent was silent only, or the user token is dead.
            WechatUnavailable: as everywhere.
        """

    def follower(self, openid: str) -> Follower:
        """Return whether a person follows, their unionid and how they came.

        Raises:
            WechatIdentityUnknown: not an openid of this account.
            WechatUnavailable, WechatMisconfigured, WechatQuotaUsed: as everywhere.
        """

    def send_template(
        self,
        *,
        openid: str,
        template_id: str,
        data: Mapping[str, str],
        client_msg_id: str,
        url: str | None = None,
        mini_program: MiniProgramPage | None = None,
    ) -> SendOutcome:
        """Send a template message (模板消息); the same ``client_msg_id`` within 10 minutes sends once."""

    def send_customer_text(self, *, openid: str, text: str) -> SendOutcome:
        """Write to a person who has just done something (客服消息); there is no key against sending twice."""

    def publish_menu(self, buttons: Sequence[Json]) -> None:
        """Put a menu live for all followers.

        Raises:
            WechatRequestRefused: WeChat found the menu wrong.
            WechatUnavailable, WechatMisconfigured, WechatQuotaUsed: as everywhere.
        """

    def fetch_menu(self) -> list[Json] | None:
        """Return the buttons that are live, None when there is no menu."""

    def create_scene_qr(self, *, scene: str, expires_in_seconds: int | None) -> SceneQr:
        """Make a QR code for a string of ours; permanent (``None``) codes are 100,000 for ever."""

    def list_templates(self) -> list[AccountTemplate]:
        """Return the message templates the account has.

        Raises:
            WechatUnavailable, WechatMisconfigured, WechatQuotaUsed, WechatRequestRefused: as everywhere.
        """

    def js_signature(self, url: str) -> JsSignature:
        """Sign one of our pages for the JS-SDK.

        Raises:
            SignatureHostRefused: the page is not on a host of ours.
            WechatUnavailable, WechatMisconfigured, WechatQuotaUsed: as everywhere.
        """


class MiniProgram(Protocol):
    """A mini program (小程序) of ours."""

    @property
    def appid(self) -> str:
        """The mini program's appid."""

    def login(self, code: str) -> MiniProgramLogin:
        """Turn a login code into an identity; works during an outage of access tokens.

        Raises:
            WechatCodeInvalid: ask the mini program for a new code, once.
            WechatUserBlocked, WechatQuotaUsed: WeChat refuses this user, for good or for a minute.
            WechatUnavailable, WechatMisconfigured: as everywhere.
        """

    def phone(self, code: str) -> str:
        """Turn the code of the phone button into a phone number in E.164 (``+8613800000001``).

        Raises:
            WechatCodeInvalid: wrong, used, expired, or of another mini program.
            WechatUnavailable, WechatMisconfigured, WechatQuotaUsed: as everywhere.
        """

    def send_subscription(
        self, *, openid: str, template_id: str, data: Mapping[str, str], page: str | None = None
    ) -> SendOutcome:
        """Send a subscription message (订阅消息); there is no key against sending twice."""

    def send_customer_text(self, *, openid: str, text: str) -> SendOutcome:
        """Write to a person who has just done something (客服消息); there is no key against sending twice."""

    def risk_rank(self, *, openid: str, scene: RiskScene, ip: str, phone: str | None = None) -> RiskRank:
        """Return WeChat's risk opinion; every failure is ``UNKNOWN``, never an error."""

    def check_text(self, *, openid: str, scene: TextScene, content: str, nickname: str | None = None) -> TextVerdict:
        """Check a text typed by a member; every failure is ``UNKNOWN``, never an error."""

    def wxa_code(
        self,
        *,
        scene: str,
        page: str,
        version: PageVersion = "release",
        check_path: bool = True,
        width: int = 430,
    ) -> bytes:
        """Draw a mini-program code (小程序码) that carries up to 32 characters of ours.

        Raises:
            WechatRequestRefused: the page or the scene string is refused.
            WechatUnavailable, WechatMisconfigured, WechatQuotaUsed: as everywhere.
        """

    def list_templates(self) -> list[AccountTemplate]:
        """Return the templates of subscription messages that the mini program has.

        Raises:
            WechatUnavailable, WechatMisconfigured, WechatQuotaUsed, WechatRequestRefused: as everywhere.
        """


class SmsSender(Protocol):
    """Somebody who delivers codes by SMS (短信验证码)."""

    def send_code(self, *, phone: str, code: str, minutes: int = 5) -> SendOutcome:
        """Send a code that is good for some minutes to a number in E.164."""
