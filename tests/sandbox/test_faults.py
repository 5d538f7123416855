from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
import requests
from wechatpy.exceptions import InvalidAppIdException, InvalidSignatureException

from sandbox.defaults import MP_APPID, OA_APPID
from tests.sandbox.driver import API, Sim
from tests.sandbox.receiver import Receiver
from tests.sandbox.test_pushes import opened

TAGS = f"{API}/cgi-bin/tags/get"


def call(sim: Sim) -> requests.Response:
    return sim.http("GET", TAGS, params={"access_token": sim.token(OA_APPID)})


def test_an_errcode_strikes_as_often_as_told_after_as_many_as_told(sim: Sim) -> None:
    sim.fault(path="/cgi-bin/tags/get$", errcode=40001, after=1, times=2)
    assert [call(sim).json().get("errcode", 0) for _ in range(5)] == [0, 40001, 40001, 0, 0]
    assert sim.show("/faults") == []


def test_a_fault_for_ever_stays_until_it_is_cleared(sim: Sim) -> None:
    sim.fault(path="tags/get", errcode=-1, times=-1)
    answers = [call(sim).json() for _ in range(3)]
    assert [one["errcode"] for one in answers] == [-1] * 3
    assert "rid: " in answers[0]["errmsg"]
    sim.control("/faults", method="DELETE")
    assert "tags" in call(sim).json()


def test_a_fault_matches_method_path_and_account(sim: Sim) -> None:
    sim.fault(method="POST", path="tags/get", errcode=1, times=-1)
    sim.fault(appid=MP_APPID, path="tags/get", errcode=2, times=-1)
    assert "tags" in call(sim).json()
    sim.fault(appid=OA_APPID, path="/cgi-bin/stable_token$", errcode=40013)
    assert sim.stable_token(MP_APPID).get("errcode", 0) == 0
    assert sim.stable_token(OA_APPID)["errcode"] == 40013


def test_an_http_code_or_a_body_takes_the_answers_place(sim: Sim) -> None:
    sim.fault(path="tags/get", http=502, body="<html>Bad Gateway</html>")
    sim.fault(path="tags/get", body="not json")
    first, second = call(sim), call(sim)
    assert (first.status_code, first.text) == (502, "<html>Bad Gateway</html>")
    assert (second.status_code, second.text) == (200, "not json")


def test_drop_before_applies_nothing_and_answers_nothing(sim: Sim) -> None:
    user = sim.follower()
    sim.fault(path="template/send", drop="before")
    with pytest.raises(requests.ConnectionError):
        sim.template_message(user)
    assert sim.messages(user, "template") == []


def test_drop_after_applies_and_answers_nothing(sim: Sim) -> None:
    user = sim.follower()
    sim.fault(path="template/send", drop="after")
    with pytest.raises(requests.ConnectionError):
        sim.template_message(user, client_msg_id="1")
    assert len(sim.messages(user, "template")) == 1
    assert sim.template_message(user, client_msg_id="1")["errcode"] == 0
    assert len(sim.messages(user, "template")) == 1


def test_an_error_may_be_answered_although_the_call_was_applied(sim: Sim) -> None:
    user = sim.follower()
    sim.fault(path="template/send", http=502, body="", apply=True)
    token = sim.token(OA_APPID)
    assert token
    with pytest.raises(requests.exceptions.JSONDecodeError):
        sim.template_message(user)
    assert len(sim.messages(user, "template")) == 1


def test_a_delay_holds_the_answer_back(sim: Sim) -> None:
    sim.fault(path="tags/get", delay_ms=300)
    started = monotonic()
    assert "tags" in call(sim).json()
    assert monotonic() - started >= 0.3


def test_fields_of_an_answer_are_changed_removed_or_cut(sim: Sim) -> None:
    user = sim.user()
    code = sim.act(user, "mp/phone", appid=MP_APPID)["code"]
    sim.fault(path="getuserphonenumber", set={"phone_info.watermark.appid": "wxother"})
    info = sim.post("/wxa/business/getuserphonenumber", {"code": code}, appid=MP_APPID)["phone_info"]
    assert info["watermark"]["appid"] == "wxother"
    assert info["purePhoneNumber"]
    sim.fault(path="tags/get", unset=["tags"])
    assert call(sim).json() == {}
    sim.fault(path="tags/get", truncate=5)
    assert len(call(sim).content) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"pth": "x"}, {"path": "("}, {"target": "moon"}, {"drop": "later"}, {"times": 0}, {"times": "x"},
        {"signature": "right"},
    ],
)  # fmt: skip
def test_a_wrong_fault_is_refused_by_name(sim: Sim, wrong: dict[str, Any]) -> None:
    refused = sim.control("/faults", wrong, status=400)
    assert next(iter(wrong)) in refused["error"]


def test_a_push_is_repeated_at_once(push_sim: Sim, receiver: Receiver) -> None:
    push_sim.fault(target="push", event="subscribe", duplicate=2)
    push_sim.follower()
    bodies = [one.body for one in receiver.received]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert len({one.query["nonce"] for one in receiver.received}) == 1


def test_a_push_is_held_back_behind_the_next(
    start_sim: Callable[..., Sim], pushing: dict[str, Any], receiver: Receiver
) -> None:
    sim = start_sim({**pushing, "push_timeout_seconds": 5})
    sim.fault(target="push", event="^subscribe$", reorder=True)
    user = sim.user()
    sim.act(user, "follow", appid=OA_APPID, wait=False)
    wait_until_held(sim)
    sim.act(user, "text", appid=OA_APPID, content="先到")
    first, second = (opened(one) for one in receiver.wait_for(2))
    assert "先到" in first
    assert "subscribe" in second


def wait_until_held(sim: Sim) -> None:
    """The fault has left the queue when its push has been taken up."""
    end = monotonic() + 5
    while sim.show("/faults"):
        assert monotonic() < end


def test_a_wrong_signature_a_shifted_time_and_a_foreign_cipher(push_sim: Sim, receiver: Receiver) -> None:
    user = push_sim.follower()
    for fault in ({"signature": "wrong"}, {"timestamp_shift": -3600}, {"cipher_appid": "wxother"}):
        push_sim.fault(target="push", **fault)
        push_sim.act(user, "text", appid=OA_APPID, content="hi")
    right, wrong, shifted, foreign = receiver.received
    with pytest.raises(InvalidSignatureException):
        opened(wrong)
    assert int(right.query["timestamp"]) - int(shifted.query["timestamp"]) >= 3590
    assert "hi" in opened(shifted)
    with pytest.raises(InvalidAppIdException):
        opened(foreign)


def test_a_push_is_lost_or_its_answer_is(push_sim: Sim, receiver: Receiver) -> None:
    user = push_sim.user()
    push_sim.fault(target="push", drop="before")
    assert push_sim.act(user, "follow", appid=OA_APPID)["push"] == {"reply": None, "status": "dropped", "tries": 0}
    assert receiver.received == []
    push_sim.fault(target="push", drop="after")
    assert push_sim.act(user, "text", appid=OA_APPID, content="hi")["push"]["tries"] == 3
    assert len(receiver.received) == 3


def test_an_event_may_tell_another_outcome(push_sim: Sim, receiver: Receiver) -> None:
    user = push_sim.follower()
    push_sim.fault(target="push", event="TEMPLATESENDJOBFINISH", set={"Status": "failed: system failed"}, delay_ms=50)
    push_sim.template_message(user)
    outcome = receiver.wait_for(2)[1]
    assert "<![CDATA[failed: system failed]]>" in opened(outcome)
    assert push_sim.wait_for_push("TEMPLATESENDJOBFINISH")["fields"]["Status"] == "failed: system failed"


def test_requests_are_logged_with_their_outcome(sim: Sim) -> None:
    sim.fault(path="tags/get", errcode=45009)
    call(sim)
    [entry] = sim.show("/log/requests?path=tags/get")
    assert (entry["appid"], entry["errcode"], entry["http"]) == (OA_APPID, 45009, 200)
    assert entry["fault"] is not None
    sim.control("/log/requests", method="DELETE")
    assert sim.show("/log/requests") == []
