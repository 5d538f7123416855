"""A backend that uses wechatpy works against the sandbox through one transport adapter."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from wechatpy import WeChatClient, WeChatOAuth
from wechatpy.exceptions import WeChatClientException

from sandbox.defaults import MP_APPID, OA_APPID
from tests.sandbox.driver import SECRETS, TEMPLATE, Sim


class ToSim(requests.adapters.HTTPAdapter):
    """Sends calls for the platform's hosts to the sandbox, with the host as first path segment."""

    def __init__(self, base: str) -> None:
        self.base = base
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        query = f"?{parts.query}" if parts.query else ""
        request.url = f"{self.base}/{parts.netloc}{parts.path}{query}"
        return super().send(request, *args, **options)


def client(sim: Sim, appid: str) -> WeChatClient:
    made = WeChatClient(appid, SECRETS[appid], timeout=5, auto_retry=False)
    made._http.mount("https://", ToSim(sim.url))
    return made


@pytest.fixture
def oa(sim: Sim) -> WeChatClient:
    return client(sim, OA_APPID)


def test_users_and_tags(sim: Sim, oa: WeChatClient) -> None:
    user = sim.follower()
    openid = user["openids"][OA_APPID]
    assert oa.user.get(openid)["unionid"] == user["unionid"]
    assert list(oa.user.iter_followers()) == [openid]
    assert oa.user.get_batch([openid])[0]["openid"] == openid
    tag = oa.tag.create("金卡")["id"]
    oa.tag.tag_user(tag, openid)
    assert oa.tag.get_user_tag(openid) == [tag]
    assert oa.tag.get_tag_users(tag)["data"]["openid"] == [openid]


def test_menus(oa: WeChatClient) -> None:
    assert oa.menu.get() is None
    oa.menu.create({"button": [{"type": "click", "name": "签到", "key": "check_in"}]})
    assert oa.menu.get()["menu"]["button"][0]["name"] == "签到"
    assert oa.menu.get_menu_info()["is_menu_open"] == 1
    oa.menu.delete()
    assert oa.menu.get() is None


def test_messages(sim: Sim, oa: WeChatClient) -> None:
    user = sim.follower()
    openid = user["openids"][OA_APPID]
    values: Mapping[str, str] = {
        "character_string1": "M1", "number2": "10", "thing3": "签到", "number4": "20", "time5": "10:00",
    }  # fmt: skip
    data = {key: {"value": value} for key, value in values.items()}
    assert oa.message.send_template(openid, TEMPLATE, data)["errcode"] == 0
    oa.message.send_text(openid, "您好")
    assert [one["channel"] for one in sim.messages(user)] == ["template", "custom"]
    with pytest.raises(WeChatClientException) as refused:
        oa.message.send_template(openid, "none", data)
    assert refused.value.errcode == 40037


def test_codes_and_tickets(sim: Sim, oa: WeChatClient) -> None:
    scene = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "a"}}}
    assert oa.qrcode.create(scene)["expire_seconds"] == 60
    ticket = oa.jsapi.get_jsapi_ticket()
    url = "http://127.0.0.1:8000/h5/card?a=1"
    signature = oa.jsapi.get_jsapi_signature("n1", ticket, 1700000000, url)
    asked = {"appid": OA_APPID, "nonceStr": "n1", "timestamp": 1700000000, "signature": signature, "url": f"{url}#top"}
    assert sim.control("/jssdk/verify", asked) == {"ok": True, "errMsg": "config:ok"}


def test_login_and_pictures_of_a_mini_program(sim: Sim) -> None:
    mini, user = client(sim, MP_APPID), sim.user()
    code = sim.act(user, "mp/login", appid=MP_APPID)["code"]
    assert mini.wxa.code_to_session(code)["openid"] == user["openids"][MP_APPID]
    picture = mini.wxa.get_wxa_code_unlimited("a=1", page="pages/card/index")
    assert picture.content.startswith(b"\x89PNG")


def test_web_authorisation(sim: Sim) -> None:
    user = sim.user(nickname="小明")
    oauth = WeChatOAuth(OA_APPID, SECRETS[OA_APPID], "http://127.0.0.1:8000/back", "snsapi_userinfo", "s1")
    oauth._http.mount("https://", ToSim(sim.url))
    redirect = sim.act(user, "oauth", url=oauth.authorize_url, answer="accept")["redirect"]
    oauth.fetch_access_token(redirect.split("code=")[1].split("&")[0])
    assert oauth.get_user_info()["nickname"] == "小明"
    assert oauth.check_access_token() is True
