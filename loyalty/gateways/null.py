"""Recording stand-ins: they call nobody, remember what was asked, and answer as they were told.

A test sets the next answer on the attribute named after it; an exception instead of an answer is
raised.
"""

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

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
    SendState,
    TextVerdict,
    WechatProfile,
)
from loyalty.gateways.errors import WechatCodeInvalid
from loyalty.gateways.protocols import OAuthScope, PageVersion, RiskScene, TextScene
from loyalty.kernel.database import Json
from loyalty.kernel.qr import qr_png

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A template or subscription message that would have gone out."""

    openid: str
    template_id: str
    data: dict[str, str]
    url: str | None = None
    mini_program: MiniProgramPage | None = None
    client_msg_id: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class SentSms:
    """A code that would have gone out by SMS."""

    phone: str
    code: str


@dataclass(kw_only=True)
class _Sends:
    """Answers to sends: what was queued first, then always accepted."""

    outcomes: deque[SendOutcome | Exception] = field(default_factory=deque)
    """Answers of the next sends; when empty every send is accepted."""
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    def _outcome(self) -> SendOutcome:
        if self.outcomes:
            return given(self.outcomes.popleft())
        return SendOutcome(SendState.ACCEPTED, provider_message_id=str(next(self._ids)))


@dataclass
class NullOfficialAccount(_Sends):
    """Stands in for an Official Account.

    ``identities`` maps OAuth codes to identities; a code is taken once, an unknown one refused.
    """

    appid: str = "wx5a0db7a000000001"
    sent: list[SentMessage] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    """Customer messages: to whom, and what."""
    identities: dict[str, OAuthIdentity | Exception] = field(default_factory=dict)
    profiles: dict[str, WechatProfile | Exception] = field(default_factory=dict)
    followers: dict[str, Follower | Exception] = field(default_factory=dict)
    published_menus: list[list[Json]] = field(default_factory=list)
    publish_error: Exception | None = None
    asked_scenes: list[tuple[str, int | None]] = field(default_factory=list)
    scene_error: Exception | None = None
    templates: list[AccountTemplate] | Exception = field(default_factory=list)
    signature_error: Exception | None = None

    def authorize_url(self, *, return_to: str, state: str, scope: OAuthScope) -> str:
        """Return an address that names everything it was given."""
        return f"https://oauth.invalid/{self.appid}?scope={scope}&state={state}&to={return_to}"

    def exchange_code(self, code: str) -> OAuthIdentity:
        """Take the identity kept under the code."""
        return given(self.identities.pop(code, WechatCodeInvalid()))

    def fetch_profile(self, *, openid: str, access_token: str) -> WechatProfile:
        """Return the profile kept for the openid, or an empty one."""
        return given(self.profiles.get(openid) or WechatProfile(openid, None, "", ""))

    def follower(self, openid: str) -> Follower:
        """Return the follower kept for the openid, or one who follows without unionid."""
        return given(self.followers.get(openid) or Follower(openid, is_following=True))

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
        """Record a template message."""
        message = SentMessage(openid, template_id, dict(data), url, mini_program, client_msg_id)
        self.sent.append(message)
        return self._outcome()

    def send_customer_text(self, *, openid: str, text: str) -> SendOutcome:
        """Record a customer message."""
        self.written.append((openid, text))
        return self._outcome()

    def publish_menu(self, buttons: Sequence[Json]) -> None:
        """Record a menu."""
        if self.publish_error is not None:
            raise self.publish_error
        self.published_menus.append(list(buttons))

    def fetch_menu(self) -> list[Json] | None:
        """Return the menu recorded last."""
        return self.published_menus[-1] if self.published_menus else None

    def create_scene_qr(self, *, scene: str, expires_in_seconds: int | None) -> SceneQr:
        """Return a code whose ticket and address name the scene."""
        self.asked_scenes.append((scene, expires_in_seconds))
        if self.scene_error is not None:
            raise self.scene_error
        return SceneQr(f"ticket-{scene}", f"https://qr.invalid/{scene}", expires_in_seconds)

    def list_templates(self) -> list[AccountTemplate]:
        """Return the templates that were set."""
        return list(given(self.templates))

    def js_signature(self, url: str) -> JsSignature:
        """Return a signature that depends on the page only."""
        if self.signature_error is not None:
            raise self.signature_error
        digest = hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()
        return JsSignature(self.appid, 1_700_000_000, "nonce", digest)


@dataclass
class NullMiniProgram(_Sends):
    """Stands in for a mini program.

    ``logins`` and ``phones`` map codes to answers; a code is taken once, an unknown one refused.
    """

    appid: str = "wx5a0db7b000000001"
    sent: list[SentMessage] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    """Customer messages: to whom, and what."""
    logins: dict[str, MiniProgramLogin | Exception] = field(default_factory=dict)
    phones: dict[str, str | Exception] = field(default_factory=dict)
    risk: RiskRank = RiskRank.LOW
    risk_calls: list[tuple[str, RiskScene]] = field(default_factory=list)
    verdict: TextVerdict = TextVerdict.PASS
    checked_texts: list[str] = field(default_factory=list)
    drawn_scenes: list[str] = field(default_factory=list)
    drawn: bytes | Exception | None = None
    """The next answers to ``wxa_code``; a picture of the code when empty."""
    templates: list[AccountTemplate] | Exception = field(default_factory=list)

    def login(self, code: str) -> MiniProgramLogin:
        """Take the identity kept under the code."""
        return given(self.logins.pop(code, WechatCodeInvalid()))

    def phone(self, code: str) -> str:
        """Take the phone number kept under the code."""
        return given(self.phones.pop(code, WechatCodeInvalid()))

    def send_subscription(
        self, *, openid: str, template_id: str, data: Mapping[str, str], page: str | None = None
    ) -> SendOutcome:
        """Record a subscription message."""
        self.sent.append(SentMessage(openid, template_id, dict(data), page=page))
        return self._outcome()

    def send_customer_text(self, *, openid: str, text: str) -> SendOutcome:
        """Record a customer message."""
        self.written.append((openid, text))
        return self._outcome()

    def risk_rank(self, *, openid: str, scene: RiskScene, ip: str, phone: str | None = None) -> RiskRank:
        """Return the rank that was set."""
        self.risk_calls.append((openid, scene))
        return self.risk

    def check_text(self, *, openid: str, scene: TextScene, content: str, nickname: str | None = None) -> TextVerdict:
        """Return the verdict that was set."""
        self.checked_texts.append(content)
        return self.verdict

    def wxa_code(
        self,
        *,
        scene: str,
        page: str,
        version: PageVersion = "release",
        check_path: bool = True,
        width: int = 430,
    ) -> bytes:
        """Return a picture whose code names the page and the scene, and remember what was asked for."""
        self.drawn_scenes.append(scene)
        return given(self.drawn or qr_png(f"{page}?{scene}", scale=4))

    def list_templates(self) -> list[AccountTemplate]:
        """Return the templates that were set."""
        return list(given(self.templates))


@dataclass
class NullSmsSender(_Sends):
    """Stands in for an SMS provider."""

    sent: list[SentSms] = field(default_factory=list)

    def send_code(self, *, phone: str, code: str, minutes: int = 5) -> SendOutcome:
        """Record a code."""
        self.sent.append(SentSms(phone, code))
        return self._outcome()


def given(answer: Answer | Exception) -> Answer:
    """Return what was set, or raise it."""
    if isinstance(answer, Exception):
        raise answer
    return answer
