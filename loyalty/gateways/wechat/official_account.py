"""An Official Account (服务号) on the real platform."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from redis import Redis

from loyalty.gateways.answers import (
    AccountTemplate,
    Follower,
    JsSignature,
    MiniProgramPage,
    OAuthIdentity,
    SceneQr,
    SendOutcome,
    WechatProfile,
)
from loyalty.gateways.protocols import OAuthScope
from loyalty.gateways.wechat.client import Client
from loyalty.gateways.wechat.errcodes import attempt, in_our_words
from loyalty.gateways.wechat.js_sdk import JsSdk
from loyalty.gateways.wechat.oauth import WebAuthorisation
from loyalty.gateways.wechat.sends import accepted, customer_text, template_values
from loyalty.kernel.database import Json
from loyalty.settings import WechatAccount


class OfficialAccountGateway:
    """Implements ``protocols.OfficialAccount``; see there for what each call raises."""

    def __init__(
        self,
        account: WechatAccount,
        *,
        redis: Redis,
        sandbox_url: str | None,
        public_base_url: str,
        now: Callable[[], datetime],
    ) -> None:
        self._client = Client(account, redis=redis, sandbox_url=sandbox_url)
        self._authorisation = WebAuthorisation(account, sandbox_url=sandbox_url)
        self._js_sdk = JsSdk(self._client, redis=redis, public_base_url=public_base_url, now=now)

    @property
    def appid(self) -> str:
        """The account's appid."""
        return str(self._client.appid)

    def authorize_url(self, *, return_to: str, state: str, scope: OAuthScope) -> str:
        """Return where to send the browser for web authorisation."""
        return self._authorisation.authorize_url(return_to=return_to, state=state, scope=scope)

    def exchange_code(self, code: str) -> OAuthIdentity:
        """Turn the code of an OAuth return into an identity."""
        return self._authorisation.exchange_code(code)

    def fetch_profile(self, *, openid: str, access_token: str) -> WechatProfile:
        """Return nickname and avatar of a user who consented."""
        return self._authorisation.fetch_profile(openid=openid, access_token=access_token)

    def follower(self, openid: str) -> Follower:
        """Return whether a person follows, their unionid and how they came."""
        with in_our_words():
            answer = self._client.user.get(openid)
            if not int(answer["subscribe"]):
                return Follower(openid, is_following=False)
            return Follower(
                openid,
                is_following=True,
                unionid=answer.get("unionid") or None,
                followed_at=datetime.fromtimestamp(int(answer["subscribe_time"]), UTC),
                scene=answer.get("subscribe_scene") or None,
                scene_key=answer.get("qr_scene_str") or None,
            )

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
        """Send a template message; wechatpy's own call knows no ``client_msg_id``."""
        body: Json = {
            "touser": openid,
            "template_id": template_id,
            "client_msg_id": client_msg_id,
            "data": template_values(data),
        }
        if url:
            body["url"] = url
        if mini_program is not None:
            body["miniprogram"] = {"appid": mini_program.appid, "pagepath": mini_program.page}
        return attempt(lambda: accepted(self._client.post("message/template/send", data=body)))

    def send_customer_text(self, *, openid: str, text: str) -> SendOutcome:
        """Write to a person who has just done something."""
        return attempt(lambda: accepted(self._client.post("message/custom/send", data=customer_text(openid, text))))

    def publish_menu(self, buttons: Sequence[Json]) -> None:
        """Put a menu live for all followers."""
        with in_our_words():
            self._client.menu.create({"button": list(buttons)})

    def fetch_menu(self) -> list[Json] | None:
        """Return the buttons that are live, None when there is no menu."""
        with in_our_words():
            answer = self._client.menu.get()
            return None if answer is None else cast(list[Json], answer["menu"]["button"])

    def create_scene_qr(self, *, scene: str, expires_in_seconds: int | None) -> SceneQr:
        """Make a QR code for a string of ours."""
        body: Json = {
            "action_name": "QR_LIMIT_STR_SCENE",
            "action_info": {"scene": {"scene_str": scene}},
        }
        if expires_in_seconds is not None:
            body |= {"action_name": "QR_STR_SCENE", "expire_seconds": expires_in_seconds}
        with in_our_words():
            answer = self._client.qrcode.create(body)
            return SceneQr(answer["ticket"], answer["url"], expires_in_seconds)

    def list_templates(self) -> list[AccountTemplate]:
        """Return the message templates the account has."""
        with in_our_words():
            rows = self._client.template.get_all_private_template()["template_list"]
            return [AccountTemplate(row["template_id"], row["title"], row["content"]) for row in rows]

    def js_signature(self, url: str) -> JsSignature:
        """Sign one of our pages for the JS-SDK."""
        return self._js_sdk.sign(url)
