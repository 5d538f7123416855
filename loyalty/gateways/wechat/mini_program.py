"""A mini program (小程序) on the real platform.

wechatpy's groups lack most of these interfaces or model them as they were; all go by direct calls.
"""

from collections.abc import Mapping

import structlog
from redis import Redis
from requests import Response

from loyalty.gateways.answers import AccountTemplate, MiniProgramLogin, RiskRank, SendOutcome, TextVerdict
from loyalty.gateways.errors import WechatCodeInvalid
from loyalty.gateways.protocols import PageVersion, RiskScene, TextScene
from loyalty.gateways.wechat.client import HOST, Client
from loyalty.gateways.wechat.errcodes import attempt, in_our_words
from loyalty.gateways.wechat.sends import accepted, customer_text, template_values
from loyalty.kernel.database import Json
from loyalty.kernel.errors import LoyaltyError
from loyalty.settings import WechatAccount

_TEXT_SCENES: dict[TextScene, int] = {"profile": 1, "comment": 2, "forum": 3, "social_log": 4}
_RISK_SCENES: dict[RiskScene, int] = {"enrolment": 0, "marketing": 1}
_RISK_RANKS = (RiskRank.LOW, RiskRank.LOW, RiskRank.MEDIUM, RiskRank.HIGH, RiskRank.HIGH)
_TEXT_CHARACTERS_MAX = 2500
_IMAGE_STARTS = (b"\x89PNG", b"\xff\xd8\xff")

log = structlog.get_logger("gateways")


class MiniProgramGateway:
    """Implements ``protocols.MiniProgram``; see there for what each call raises."""

    def __init__(self, account: WechatAccount, *, redis: Redis, sandbox_url: str | None) -> None:
        self._client = Client(account, redis=redis, sandbox_url=sandbox_url)
        self._secret = account.secret

    @property
    def appid(self) -> str:
        """The mini program's appid."""
        return str(self._client.appid)

    def login(self, code: str) -> MiniProgramLogin:
        """Turn a login code into an identity, without any access token."""
        params = {
            "appid": self.appid,
            "secret": self._secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        with in_our_words():
            answer = self._client.plain_get("/sns/jscode2session", params)
            return MiniProgramLogin(answer["openid"], answer.get("unionid") or None, answer["session_key"])

    def phone(self, code: str) -> str:
        """Turn the code of the phone button into a number in E.164."""
        with in_our_words():
            answer = self._post("/wxa/business/getuserphonenumber", {"code": code})
            info = answer["phone_info"]
            if info["watermark"]["appid"] != self.appid:
                raise WechatCodeInvalid
            return f"+{info['countryCode']}{info['purePhoneNumber']}"

    def send_subscription(
        self, *, openid: str, template_id: str, data: Mapping[str, str], page: str | None = None
    ) -> SendOutcome:
        """Send a subscription message to the released mini program."""
        body: Json = {
            "touser": openid,
            "template_id": template_id,
            "data": template_values(data),
            "miniprogram_state": "formal",
            "lang": "zh_CN",
        }
        if page:
            body["page"] = page
        return attempt(lambda: accepted(self._client.post("message/subscribe/send", data=body)))

    def send_customer_text(self, *, openid: str, text: str) -> SendOutcome:
        """Write to a person who has just done something."""
        return attempt(lambda: accepted(self._client.post("message/custom/send", data=customer_text(openid, text))))

    def risk_rank(self, *, openid: str, scene: RiskScene, ip: str, phone: str | None = None) -> RiskRank:
        """Return WeChat's risk opinion; every failure is ``UNKNOWN``."""
        body: Json = {
            "appid": self.appid,
            "openid": openid,
            "scene": _RISK_SCENES[scene],
            "client_ip": ip,
        }
        if phone:
            body["mobile_no"] = phone.removeprefix("+86")
        try:
            with in_our_words():
                return _RISK_RANKS[int(self._post("/wxa/getuserriskrank", body)["risk_rank"])]
        except (LoyaltyError, IndexError) as error:
            log.warning("risk_rank_unknown", appid=self.appid, reason=str(error))
            return RiskRank.UNKNOWN

    def check_text(self, *, openid: str, scene: TextScene, content: str, nickname: str | None = None) -> TextVerdict:
        """Check a text typed by a member; every failure is ``UNKNOWN``."""
        body: Json = {
            "version": 2,
            "openid": openid,
            "scene": _TEXT_SCENES[scene],
            "content": content[:_TEXT_CHARACTERS_MAX],
        }
        if nickname and scene == "profile":
            body["nickname"] = nickname
        try:
            with in_our_words():
                return TextVerdict(self._post("/wxa/msg_sec_check", body)["result"]["suggest"])
        except LoyaltyError as error:
            log.warning("text_check_unknown", appid=self.appid, reason=str(error))
            return TextVerdict.UNKNOWN

    def wxa_code(
        self,
        *,
        scene: str,
        page: str,
        version: PageVersion = "release",
        check_path: bool = True,
        width: int = 430,
    ) -> bytes:
        """Draw a mini-program code; a failure comes as JSON, a success as an image."""
        body: Json = {
            "scene": scene,
            "page": page,
            "env_version": version,
            "check_path": check_path,
            "width": width,
        }
        with in_our_words():
            answer = self._client.post(f"{HOST}/wxa/getwxacodeunlimit", data=body)
            if not isinstance(answer, Response) or not answer.content.startswith(_IMAGE_STARTS):
                raise ValueError("the answer is not an image")
            return answer.content

    def list_templates(self) -> list[AccountTemplate]:
        """Return the templates of subscription messages that the mini program has."""
        with in_our_words():
            rows = self._client.get(f"{HOST}/wxaapi/newtmpl/gettemplate")["data"]
            return [
                AccountTemplate(row["priTmplId"], row["title"], row["content"], _reviewed_values(row)) for row in rows
            ]

    def _post(self, path: str, body: Json) -> Json:
        answer = self._client.post(f"{HOST}{path}", data=body)
        if not isinstance(answer, dict):
            raise ValueError("the answer is not JSON")
        return answer


def _reviewed_values(row: Json) -> dict[str, list[str]]:
    """Return the values that keys such as ``enum1`` may have; the platform names them ``enum1.DATA``."""
    listed = row.get("keywordEnumValueList") or []
    return {one["keywordCode"].removesuffix(".DATA"): list(one["enumValueList"]) for one in listed}
