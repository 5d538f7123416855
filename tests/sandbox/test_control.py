from datetime import datetime
from typing import Any

import pytest

from sandbox.defaults import MP_APPID, OA_APPID
from tests.sandbox.driver import Sim


def test_the_clock_moves_for_everything(sim: Sim) -> None:
    before = datetime.fromisoformat(sim.show("/clock")["now"])
    sim.advance(86400)
    after = sim.control("/clock", {"advance_seconds": -3600})
    assert after["offset_seconds"] == 82800
    assert 82800 <= (datetime.fromisoformat(after["now"]) - before).total_seconds() < 82900
    assert sim.control("/clock", {"offset_seconds": 0})["offset_seconds"] == 0


@pytest.mark.parametrize("body", [{}, {"advance_seconds": "1"}, {"offset_seconds": True}, {"offset_seconds": 10**12}])
def test_a_wrong_move_of_the_clock_is_refused(sim: Sim, body: dict[str, Any]) -> None:
    sim.control("/clock", body, status=400)


@pytest.mark.parametrize(
    "body", [{"phone": "abc"}, {"phone": "+1"}, {"nick": "x"}, {"risk_rank": 5}, {"risk_rank": "1"}]
)
def test_a_wrong_user_is_refused(sim: Sim, body: dict[str, Any]) -> None:
    assert next(iter(body)) in sim.control("/users", body, status=400)["error"]


def test_unknown_people_and_huge_ids_are_not_found(sim: Sim) -> None:
    sim.control("/users/7", method="GET", status=404)
    sim.control(f"/users/{2**70}", method="GET", status=400)
    sim.control("/users/7/follow", {"appid": OA_APPID}, status=404)
    sim.control("/users/7/messages?after=x", method="GET", status=404)


def test_a_user_is_changed(sim: Sim) -> None:
    user = sim.user()
    changes = {"nickname": "小红", "phone": "+85261234567", "risk_rank": 2, "unionid": False, "blocks": [OA_APPID]}
    changed = sim.control(f"/users/{user['id']}", changes, method="PATCH")
    assert changed == {**user, **changes, "unionid": None}
    sim.control(f"/users/{user['id']}", {"blocks": ["wx0"]}, method="PATCH", status=400)


def test_messages_are_read_from_an_id_on(sim: Sim) -> None:
    user = sim.follower()
    sim.template_message(user)
    sim.template_message(user)
    first, second = sim.messages(user)
    rest = sim.show(f"/users/{user['id']}/messages?after={first['id']}")
    assert rest == [second]
    assert second["sent_at"].endswith("+08:00")


def test_reset_forgets_everything_but_the_configuration(sim: Sim) -> None:
    user = sim.follower()
    sim.template_message(user)
    sim.advance(1000)
    sim.fault(errcode=-1)
    sim.control("/reset")
    assert sim.show("/users") == []
    assert sim.show("/faults") == []
    assert sim.show("/log/requests") == []
    assert sim.show("/clock")["offset_seconds"] == 0
    assert sim.template_message(sim.follower())["errcode"] == 0


def test_an_accounts_settings_change_but_not_its_kind(sim: Sim) -> None:
    path = f"/config/accounts/{MP_APPID}"
    sim.control(path, {"request_base": "http://127.0.0.1:9"}, method="PATCH")
    accounts = {one["appid"]: one for one in sim.show("/config")["accounts"]}
    assert accounts[MP_APPID]["request_base"] == "http://127.0.0.1:9"
    sim.control(path, {"kind": "oa"}, method="PATCH", status=400)
    sim.control(path, {"push_mode": "loud"}, method="PATCH", status=400)
    sim.control("/config/accounts/wx0", {}, method="PATCH", status=404)


def test_pages_of_the_accounts_own_domains_may_call_the_control_api(sim: Sim) -> None:
    own = sim.http("OPTIONS", "/_sim/jssdk/verify", headers={"Origin": "http://127.0.0.1:8000"})
    assert own.headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:8000"
    foreign = sim.http("OPTIONS", "/_sim/jssdk/verify", headers={"Origin": "http://evil.example"})
    assert "Access-Control-Allow-Origin" not in foreign.headers
    assert "Access-Control-Allow-Origin" not in foreign.headers
    for origin in ("http://evil.example", "http://[", "null"):
        assert sim.http("POST", "/_sim/users", data="{}", headers={"Origin": origin}).status_code == 403
    assert sim.show("/users") == []


def test_the_menu_and_the_page_of_the_phone_are_served(sim: Sim) -> None:
    user = sim.follower()
    path = f"/users/{user['id']}/menu?appid={OA_APPID}"
    assert sim.show(path) == {"menuid": None, "button": []}
    button = {"type": "click", "name": "签到", "key": "k"}
    sim.post("/cgi-bin/menu/create", {"button": [button]})
    assert sim.show(path)["button"] == [button]


@pytest.mark.parametrize("body", ["[]", "{", "\ud800"])
def test_a_malformed_body_is_refused(sim: Sim, body: str) -> None:
    answer = sim.http("POST", "/_sim/users", data=body.encode("utf-8", "surrogatepass"))
    assert answer.status_code == 400
    assert "error" in answer.json()


SMS = {"phone": "+8613800000001", "template": "verification_code", "params": ["123456", 5]}
RIGHT = {"Authorization": "Bearer sandbox-sms-secret"}


def test_an_sms_lands_on_every_phone_with_the_number(sim: Sim) -> None:
    owner, namesake, other = sim.user(phone=SMS["phone"]), sim.user(phone=SMS["phone"]), sim.user()
    answer = sim.http("POST", "/sms.sandbox/send", json=SMS, headers=RIGHT).json()
    assert answer["ok"] is True
    text = "【示例连锁】您的验证码为123456，5分钟内有效，请勿告诉他人。"
    assert [one["text"] for one in sim.messages(owner, "sms") + sim.messages(namesake, "sms")] == [text, text]
    assert sim.messages(other) == []
    [stored] = sim.show("/sms?phone=%2B8613800000001")
    assert (stored["params"], stored["text"]) == (["123456", "5"], text)
    assert sim.show("/sms?phone=13900000000") == []


@pytest.mark.parametrize(
    ("change", "status"),
    [({"phone": "13800000001"}, 400), ({"phone": None}, 400), ({"template": ""}, 400), ({"params": "x"}, 400)],
)
def test_a_wrong_sms_is_refused(sim: Sim, change: dict[str, Any], status: int) -> None:
    assert sim.http("POST", "/sms.sandbox/send", json={**SMS, **change}, headers=RIGHT).status_code == status
    assert sim.show("/sms") == []


def test_sms_needs_the_secret_and_may_fail(sim: Sim) -> None:
    assert sim.http("POST", "/sms.sandbox/send", json=SMS).status_code == 401
    sim.fault(path="/sms.sandbox/send", http=503, body="")
    assert sim.http("POST", "/sms.sandbox/send", json=SMS, headers=RIGHT).status_code == 503


def jssdk(sim: Sim, **changes: Any) -> str:
    asked = {"appid": OA_APPID, "nonceStr": "n", "timestamp": "1", "url": "http://127.0.0.1:8000/", **changes}
    return str(sim.control("/jssdk/verify", asked)["errMsg"])


def test_a_wrong_js_sdk_configuration_is_refused(sim: Sim) -> None:
    sim.get("/cgi-bin/ticket/getticket", type="jsapi")
    assert jssdk(sim, signature="0" * 40) == "config:invalid signature"
    assert jssdk(sim, signature="签名") == "config:invalid signature"
    assert jssdk(sim, url="http://evil.example/") == "config:invalid url domain"
    assert jssdk(sim, appid="wx0") == "config:invalid appid"


def test_the_ticket_stays_until_it_runs_out_or_is_rotated(sim: Sim) -> None:
    def ticket() -> str:
        return str(sim.get("/cgi-bin/ticket/getticket", type="jsapi")["ticket"])

    first = ticket()
    assert ticket() == first
    sim.control("/jssdk/rotate", {"appid": OA_APPID})
    second = ticket()
    assert second != first
    sim.advance(7201)
    assert ticket() != second
    assert sim.get("/cgi-bin/ticket/getticket", type="card")["errcode"] == 40097
