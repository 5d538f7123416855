from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from sandbox.defaults import OA_APPID
from tests.sandbox.driver import SECRETS, Sim

PAGE = "http://127.0.0.1:8000/h5/back?from=menu"


def authorize_url(sim: Sim, **changes: str) -> str:
    query = {
        "appid": OA_APPID, "redirect_uri": PAGE, "response_type": "code", "scope": "snsapi_base", "state": "abc123",
    } | changes  # fmt: skip
    return f"{sim.url}/open.weixin.qq.com/connect/oauth2/authorize?{urlencode(query)}#wechat_redirect"


def open_page(sim: Sim, user: dict[str, Any] | None, **changes: str) -> requests.Response:
    cookies = {} if user is None else {"sim_user": str(user["id"])}
    return requests.get(authorize_url(sim, **changes), cookies=cookies, allow_redirects=False, timeout=5)


def answered(sim: Sim, user: dict[str, Any], answer: str, scope: str = "snsapi_userinfo") -> dict[str, list[str]]:
    """The query of the address the browser is sent to."""
    url = sim.act(user, "oauth", url=authorize_url(sim, scope=scope), answer=answer)["redirect"]
    assert url.startswith("http://127.0.0.1:8000/h5/back?from=menu&")
    return parse_qs(urlsplit(url).query)


def exchange(sim: Sim, code: str) -> dict[str, Any]:
    return sim.sns(
        "/sns/oauth2/access_token", appid=OA_APPID, secret=SECRETS[OA_APPID], code=code, grant_type="authorization_code"
    )


def test_base_scope_is_silent_and_tells_the_openid_only(sim: Sim) -> None:
    user = sim.user()
    answer = open_page(sim, user)
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["abc123"]
    assert query["from"] == ["menu"]
    found = exchange(sim, query["code"][0])
    assert found["openid"] == user["openids"][OA_APPID]
    assert {"access_token", "expires_in", "refresh_token", "openid", "scope"} == set(found)


def test_userinfo_scope_asks_the_person(sim: Sim) -> None:
    answer = open_page(sim, sim.user(), scope="snsapi_userinfo")
    assert answer.status_code == 200
    assert "示例连锁服务号" in answer.text


def test_accepting_gives_unionid_and_profile(sim: Sim) -> None:
    user = sim.user(nickname="小明")
    found = exchange(sim, answered(sim, user, "accept")["code"][0])
    assert found["unionid"] == user["unionid"]
    assert "is_snapshotuser" not in found
    profile = sim.sns("/sns/userinfo", access_token=found["access_token"], openid=found["openid"])
    assert (profile["nickname"], profile["sex"], profile["city"]) == ("小明", 0, "")
    assert profile["unionid"] == user["unionid"]
    assert sim.sns("/sns/auth", access_token=found["access_token"], openid=found["openid"])["errcode"] == 0


def test_refusing_brings_only_the_state_back(sim: Sim) -> None:
    query = answered(sim, sim.user(), "refuse")
    assert query["state"] == ["abc123"]
    assert "code" not in query


def test_a_snapshot_is_a_stable_virtual_user_without_profile(sim: Sim) -> None:
    user = sim.user()
    first, second = (exchange(sim, answered(sim, user, "snapshot")["code"][0]) for _ in range(2))
    assert first["is_snapshotuser"] == 1
    assert first["openid"] == second["openid"] != user["openids"][OA_APPID]
    assert first["unionid"] != user["unionid"]
    profile = sim.sns("/sns/userinfo", access_token=first["access_token"], openid=first["openid"])
    assert profile["errcode"] == 48001
    assert sim.show("/users") == [user]


def test_base_scope_has_no_profile(sim: Sim) -> None:
    found = exchange(sim, answered(sim, sim.user(), "accept", "snsapi_base")["code"][0])
    profile = sim.sns("/sns/userinfo", access_token=found["access_token"], openid=found["openid"])
    assert profile["errcode"] == 48001


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "http://evil.example/back"}, "10003"),
        ({"redirect_uri": "http://127.0.0.1.evil.example/"}, "10003"),
        ({"redirect_uri": "javascript:alert(1)"}, "10003"),
        ({"redirect_uri": "http://[broken/"}, "10003"),
        ({"scope": "snsapi_login"}, "10005"),
        ({"state": "a b"}, "10005"),
        ({"appid": "wx0000"}, "40013"),
    ],
)
def test_wrong_requests_end_on_an_error_page(sim: Sim, changes: dict[str, str], code: str) -> None:
    answer = open_page(sim, sim.user(), **changes)
    assert answer.status_code == 200
    assert code in answer.text
    assert "Location" not in answer.headers


def test_an_error_page_can_be_forced(sim: Sim) -> None:
    sim.fault(path="/connect/oauth2/authorize", errcode=10003)
    page = open_page(sim, sim.user())
    assert page.headers["Content-Type"].startswith("text/html")
    assert "10003" in page.text


def test_a_browser_outside_wechat_is_told_so(sim: Sim) -> None:
    assert "请在微信客户端打开链接" in open_page(sim, None).text


def test_a_code_works_once_and_for_five_minutes(sim: Sim) -> None:
    user = sim.user()
    used, late = (answered(sim, user, "accept")["code"][0] for _ in range(2))
    assert "openid" in exchange(sim, used)
    assert exchange(sim, used)["errcode"] == 40163
    sim.advance(301)
    assert exchange(sim, late)["errcode"] == 42003
    assert exchange(sim, "nonsense")["errcode"] == 40029
    assert exchange(sim, "")["errcode"] == 41008


def test_tokens_of_a_person_run_out_and_are_refreshed(sim: Sim) -> None:
    found = exchange(sim, answered(sim, sim.user(), "accept")["code"][0])
    sim.advance(7201)
    ask = {"access_token": found["access_token"], "openid": found["openid"]}
    assert sim.sns("/sns/userinfo", **ask)["errcode"] == 42001
    renew = {"appid": OA_APPID, "grant_type": "refresh_token", "refresh_token": found["refresh_token"]}
    fresh = sim.sns("/sns/oauth2/refresh_token", **renew)
    assert "nickname" in sim.sns("/sns/userinfo", access_token=fresh["access_token"], openid=found["openid"])
    assert sim.sns("/sns/userinfo", access_token=fresh["access_token"], openid="other")["errcode"] == 40003
    assert sim.sns("/sns/oauth2/refresh_token", **{**renew, "refresh_token": "x"})["errcode"] == 40030
    sim.advance(31 * 86400)
    assert sim.sns("/sns/oauth2/refresh_token", **renew)["errcode"] == 42002


def test_without_an_open_platform_nobody_has_a_unionid(start_sim: Any, config: dict[str, Any]) -> None:
    sim = start_sim({**config, "open_platform": False})
    assert "unionid" not in exchange(sim, answered(sim, sim.user(), "accept")["code"][0])
