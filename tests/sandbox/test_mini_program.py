from typing import Any

import pytest

from sandbox.defaults import MP_APPID, OA_APPID
from tests.sandbox.driver import API, SECRETS, Sim
from tests.sandbox.receiver import Receiver


def login(sim: Sim, code: str, **changes: str) -> dict[str, Any]:
    query = {"appid": MP_APPID, "secret": SECRETS[MP_APPID], "js_code": code, "grant_type": "authorization_code"}
    return sim.sns("/sns/jscode2session", **{**query, **changes})


def code_of(sim: Sim, user: dict[str, Any]) -> str:
    return str(sim.act(user, "mp/login", appid=MP_APPID)["code"])


def phone(sim: Sim, code: str, **extra: str) -> dict[str, Any]:
    return sim.post("/wxa/business/getuserphonenumber", {"code": code, **extra}, appid=MP_APPID)


def test_login_tells_openid_unionid_and_session_key(sim: Sim) -> None:
    user = sim.user()
    first, second = login(sim, code_of(sim, user)), login(sim, code_of(sim, user))
    assert first["openid"] == user["openids"][MP_APPID]
    assert first["unionid"] == user["unionid"]
    assert first["session_key"] == second["session_key"]


def test_login_answers_as_plain_text(sim: Sim) -> None:
    answer = sim.http("GET", f"{API}/sns/jscode2session", params={"appid": MP_APPID})
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.json()["errcode"] == 41004


def test_a_user_without_unionid(sim: Sim) -> None:
    user = sim.user(unionid=False)
    assert user["unionid"] is None
    assert "unionid" not in login(sim, code_of(sim, user))


def test_a_login_code_works_once_and_for_five_minutes(sim: Sim) -> None:
    user = sim.user()
    used, late = code_of(sim, user), code_of(sim, user)
    assert "openid" in login(sim, used)
    assert login(sim, used)["errcode"] == 40163
    sim.advance(301)
    assert login(sim, late)["errcode"] == 40029
    assert login(sim, "")["errcode"] == 41008


def test_the_credentials_of_an_official_account_do_not_log_in(sim: Sim) -> None:
    code = code_of(sim, sim.user())
    assert login(sim, code, appid=OA_APPID, secret=SECRETS[OA_APPID])["errcode"] == 40013
    assert login(sim, code, secret="x")["errcode"] == 40125


def test_a_person_logs_in_a_hundred_times_a_minute(sim: Sim) -> None:
    sim.morning()
    user = sim.user()
    codes = [login(sim, code_of(sim, user)).get("errcode", 0) for _ in range(101)]
    assert codes == [0] * 100 + [45011]


@pytest.mark.parametrize(
    ("number", "told", "pure", "country"),
    [
        ("13800000001", "13800000001", "13800000001", "86"),
        ("+85261234567", "+85261234567", "61234567", "852"),
        ("+886912345678", "+886912345678", "912345678", "886"),
    ],
)
def test_a_phone_code_tells_the_number(sim: Sim, number: str, told: str, pure: str, country: str) -> None:
    user = sim.user(phone=number)
    info = phone(sim, sim.act(user, "mp/phone", appid=MP_APPID)["code"])["phone_info"]
    assert (info["phoneNumber"], info["purePhoneNumber"], info["countryCode"]) == (told, pure, country)
    assert info["watermark"]["appid"] == MP_APPID


def test_a_phone_code_works_once_for_its_owner_and_for_five_minutes(sim: Sim) -> None:
    user, other = sim.user(), sim.user()
    codes = [sim.act(user, "mp/phone", appid=MP_APPID)["code"] for _ in range(3)]
    assert phone(sim, codes[0], openid=other["openids"][MP_APPID])["errcode"] == 40029
    assert phone(sim, codes[1])["errcode"] == 0
    assert phone(sim, codes[1])["errcode"] == 40029
    assert phone(sim, code_of(sim, user))["errcode"] == 40029
    sim.advance(301)
    assert phone(sim, codes[2])["errcode"] == 40029


def test_a_user_without_a_phone_has_no_phone_button(sim: Sim) -> None:
    sim.act(sim.user(phone=None), "mp/phone", appid=MP_APPID, status=409)


def test_wx_request_reaches_the_own_backend_only(sim: Sim, receiver: Receiver) -> None:
    base = receiver.url.removesuffix("/push")
    sim.control(f"/config/accounts/{MP_APPID}", {"request_base": base}, method="PATCH")
    receiver.answers = lambda received: (201, "好".encode())
    ask = {"url": f"{base}/miniprogram/v1/me", "method": "POST", "headers": {"X-A": "1"}, "body": {"name": "小明"}}
    answer = sim.control("/mp/request", ask)
    assert (answer["status"], answer["body"]) == (201, "好")
    assert receiver.received[0].path == "/miniprogram/v1/me"
    assert receiver.received[0].content_type == "application/json"
    sim.control("/mp/request", {"url": f"{base}9/x"}, status=409)
    sim.control("/mp/request", {"url": "http://127.0.0.1:1/"}, status=409)


def test_risk_rank_needs_a_visit_within_two_hours(sim: Sim) -> None:
    user = sim.user(risk_rank=3)
    ask = {"appid": MP_APPID, "openid": user["openids"][MP_APPID], "scene": 1, "client_ip": "1.2.3.4"}

    def rank(**changes: Any) -> dict[str, Any]:
        return sim.post("/wxa/getuserriskrank", {**ask, **changes}, appid=MP_APPID)

    assert rank()["errcode"] == 61010
    login(sim, code_of(sim, user))
    assert rank()["risk_rank"] == 3
    assert rank(scene=2)["errcode"] == 40129
    assert rank(appid=OA_APPID)["errcode"] == 43104
    assert rank(openid=user["openids"][OA_APPID])["errcode"] == 43104
    assert rank(openid="nobody")["errcode"] == 40003
    assert rank(client_ip="")["errcode"] == 40097
    sim.advance(7201)
    assert rank()["errcode"] == 61010


@pytest.mark.parametrize(
    ("content", "suggest"), [("今天签到了", "pass"), ("含违规内容", "risky"), ("含可疑内容", "review")]
)
def test_texts_are_judged_by_the_configured_words(sim: Sim, content: str, suggest: str) -> None:
    user = sim.user()
    code_of(sim, user)
    ask = {"version": 2, "openid": user["openids"][MP_APPID], "scene": 1, "content": content}
    answer = sim.post("/wxa/msg_sec_check", ask, appid=MP_APPID)
    assert answer["result"]["suggest"] == suggest
    assert sim.post("/wxa/msg_sec_check", {**ask, "version": 1}, appid=MP_APPID)["errcode"] == 40097
    assert sim.post("/wxa/msg_sec_check", {**ask, "scene": 9}, appid=MP_APPID)["errcode"] == 40129
    assert sim.post("/wxa/msg_sec_check", {**ask, "content": "长" * 2501}, appid=MP_APPID)["errcode"] == 45002


def test_a_picture_is_judged_by_a_later_event(push_sim: Sim) -> None:
    user = push_sim.user()
    code_of(push_sim, user)
    url = "https://img.example/违规内容.jpg"
    ask = {"version": 2, "openid": user["openids"][MP_APPID], "scene": 1, "media_url": url, "media_type": 2}
    answer = push_sim.post("/wxa/media_check_async", ask, appid=MP_APPID)
    fields = push_sim.wait_for_push("wxa_media_check")["fields"]
    assert fields["trace_id"] == answer["trace_id"]
    assert fields["result"]["suggest"] == "risky"
    assert fields["version"] == 2
