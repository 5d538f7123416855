"""What the domain and the doors may ask of WeChat and of an SMS provider.

Implementations: ``gateways.wechat`` and ``gateways.sms`` for real, ``gateways.null`` for tests. Every
call except ``authorize_url`` goes over the network: never make one inside a transaction. Calls that
are not sends raise the errors of ``gateways.errors``; sends never raise, they return an outcome.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from loyalty.gateways.answers import (
    AccountTemplate,
    Follower,
    JsSignature,
    MiniProgramLogin,
    MiniProgramPage,
    OAuthIdentity,
    RiskRank,
    SceneQr,
    SendOutcome,
    TextVerdict,
    WechatProfile,
)
from loyalty.kernel.database import Json

OAuthScope = Literal["snsapi_base", "snsapi_userinfo"]
RiskScene = Literal["enrolment", "marketing"]
TextScene = Literal["profile", "comment", "forum", "social_log"]
PageVersion = Literal["release", "trial", "develop"]


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
