"""Pushes as a backend receives them, read with the library backends use."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import create_reply
from wechatpy.utils import check_signature

from sandbox.config import parse
from sandbox.defaults import MP_APPID, OA_APPID
from sandbox.push import TRIES
from sandbox.replies import COMPLAINT
from tests.sandbox.driver import SUBSCRIBE, Sim
from tests.sandbox.receiver import Answer, Received, Receiver

OA, MP = parse({}).accounts


def crypto(appid: str) -> WeChatCrypto:
    account = OA if appid == OA_APPID else MP
    return WeChatCrypto(account.token, account.aes_key, appid)


def opened(received: Received, appid: str = OA_APPID) -> str:
    """The message inside an encrypted push."""
    query = received.query
    text: str = crypto(appid).decrypt_message(received.body, query["msg_signature"], query["timestamp"], query["nonce"])
    return text


def set_account(sim: Sim, appid: str, **changes: Any) -> None:
    sim.control(f"/config/accounts/{appid}", changes, method="PATCH")


def replying(mode: str, content: str) -> Callable[[Received], Answer]:
    """A backend that answers every push with a text."""

    def answer(received: Received) -> Answer:
        plain = opened(received) if mode == "safe" else received.body
        reply = create_reply(content, parse_message(plain), render=True)
        if mode == "safe":
            reply = crypto(OA_APPID).encrypt_message(reply, received.query["nonce"], received.query["timestamp"])
        return 200, reply.encode()

    return answer


def test_a_plain_push_is_signed_and_readable(push_sim: Sim, receiver: Receiver) -> None:
    set_account(push_sim, OA_APPID, push_mode="plain")
    user = push_sim.follower()
    [push] = receiver.received
    check_signature(OA.token, push.query["signature"], push.query["timestamp"], push.query["nonce"])
    assert push.query["openid"] == user["openids"][OA_APPID]
    assert "encrypt_type" not in push.query
    message = parse_message(push.body)
    assert (message.event, message.source, message.target) == ("subscribe", push.query["openid"], OA.original_id)


def test_a_safe_push_tells_nothing_without_the_key(push_sim: Sim, receiver: Receiver) -> None:
    user = push_sim.follower()
    [push] = receiver.received
    assert push.query["encrypt_type"] == "aes"
    assert user["openids"][OA_APPID] not in push.body
    assert parse_message(opened(push)).source == user["openids"][OA_APPID]


def test_a_compatible_push_holds_both_forms(push_sim: Sim, receiver: Receiver) -> None:
    set_account(push_sim, OA_APPID, push_mode="compatible")
    push_sim.follower()
    [push] = receiver.received
    assert parse_message(push.body).source == parse_message(opened(push)).source


@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_the_reply_lands_in_the_chat(push_sim: Sim, receiver: Receiver, mode: str) -> None:
    set_account(push_sim, OA_APPID, push_mode=mode)
    user = push_sim.user()
    receiver.answers = replying(mode, "欢迎 <关注> & 签到")
    outcome = push_sim.act(user, "follow", appid=OA_APPID)["push"]
    assert (outcome["tries"], outcome["status"]) == (1, "answered")
    assert outcome["reply"]["Content"] == "欢迎 <关注> & 签到"
    assert [one["text"] for one in push_sim.messages(user, "chat")] == ["欢迎 <关注> & 签到"]


def test_what_the_person_writes_is_pushed_with_a_message_id(push_sim: Sim, receiver: Receiver) -> None:
    user = push_sim.follower()
    push_sim.act(user, "text", appid=OA_APPID, content="积分 ]]> <b>")
    message = parse_message(opened(receiver.received[-1]))
    assert (message.type, message.content) == ("text", "积分 ]]> <b>")
    assert int(message.id) > 0
    sent = push_sim.show(f"/users/{user['id']}/messages?include=sent")
    assert [one["text"] for one in sent] == ["积分 ]]> <b>"]
    assert push_sim.messages(user) == []


@pytest.mark.parametrize("answer", [b"", b"success"])
def test_no_reply_is_fine(push_sim: Sim, receiver: Receiver, answer: bytes) -> None:
    receiver.answers = lambda received: (200, answer)
    user = push_sim.follower()
    assert push_sim.messages(user) == []


@pytest.mark.parametrize("answer", [b"ok", b"<xml>", b"<xml><Content>hi</Content></xml>", b"\xff\xfe"])
def test_a_wrong_reply_shows_the_platforms_complaint(push_sim: Sim, receiver: Receiver, answer: bytes) -> None:
    receiver.answers = lambda received: (200, answer)
    user = push_sim.follower()
    assert [one["text"] for one in push_sim.messages(user, "chat")] == [COMPLAINT]
    assert len(receiver.received) == 1


def test_an_open_reply_in_safe_mode_is_wrong(push_sim: Sim, receiver: Receiver) -> None:
    receiver.answers = lambda received: (
        200,
        create_reply("hi", parse_message(opened(received)), render=True).encode(),
    )
    user = push_sim.follower()
    assert [one["text"] for one in push_sim.messages(user, "chat")] == [COMPLAINT]


def test_a_backend_that_does_not_answer_gets_three_tries(push_sim: Sim, receiver: Receiver) -> None:
    gate = threading.Event()

    def slow(received: Received) -> Answer:
        gate.wait(5)
        return 200, b"success"

    receiver.answers = slow
    user = push_sim.user()
    outcome = push_sim.act(user, "follow", appid=OA_APPID)["push"]
    gate.set()
    assert (outcome["tries"], outcome["status"]) == (3, "failed")
    bodies = [opened(one) for one in receiver.received]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert [one["text"] for one in push_sim.messages(user, "chat")] == [COMPLAINT]


def test_the_tries_start_one_timeout_apart_also_when_they_fail_at_once(push_sim: Sim) -> None:
    set_account(push_sim, OA_APPID, push_url="http://127.0.0.1:9/nobody")
    push_sim.follower()
    [entry] = push_sim.show("/log/pushes")
    assert entry["status"] == "failed"
    assert [one["error"] for one in entry["tries"]] == ["ConnectionError"] * 3
    times = [one["at"] for one in entry["tries"]]
    assert times[0] < times[1] < times[2]


def test_the_second_try_may_succeed(push_sim: Sim, receiver: Receiver) -> None:
    receiver.answers = lambda received: (200, b"success") if len(receiver.received) > 1 else (500, b"")
    outcome = push_sim.act(push_sim.user(), "follow", appid=OA_APPID)["push"]
    assert (outcome["tries"], outcome["status"]) == (2, "answered")


def answers_prompt(sim: Sim, *template_ids: str) -> None:
    sim.act(sim.user(), "mp/subscribe", appid=MP_APPID, answers=dict.fromkeys(template_ids, "accept"))


SECOND = "SandboxSubscribeMemberBound000000000000004"


def test_list_is_an_object_for_one_and_an_array_for_several_in_json(push_sim: Sim, receiver: Receiver) -> None:
    set_account(push_sim, MP_APPID, push_mode="plain", push_format="json")
    answers_prompt(push_sim, SUBSCRIBE)
    answers_prompt(push_sim, SUBSCRIBE, SECOND)
    one, several = (json.loads(push.body) for push in receiver.received)
    assert one["List"]["TemplateId"] == SUBSCRIBE
    assert [entry["TemplateId"] for entry in several["List"]] == [SUBSCRIBE, SECOND]
    assert receiver.received[0].content_type == "application/json"


def test_list_is_a_dict_for_one_and_a_list_for_several_in_xml(push_sim: Sim, receiver: Receiver) -> None:
    set_account(push_sim, MP_APPID, push_mode="plain", push_format="xml")
    answers_prompt(push_sim, SUBSCRIBE)
    answers_prompt(push_sim, SUBSCRIBE, SECOND)
    one, several = (parse_message(push.body)._data["SubscribeMsgPopupEvent"]["List"] for push in receiver.received)
    assert one["SubscribeStatusString"] == "accept"
    assert [entry["TemplateId"] for entry in several] == [SUBSCRIBE, SECOND]


def test_a_safe_push_in_json(push_sim: Sim, receiver: Receiver) -> None:
    answers_prompt(push_sim, SUBSCRIBE)
    [push] = receiver.received
    outer = json.loads(push.body)
    assert set(outer) == {"ToUserName", "Encrypt"}
    as_xml = Received(push.method, push.path, push.query, f"<xml><Encrypt>{outer['Encrypt']}</Encrypt></xml>", "")
    assert json.loads(opened(as_xml, MP_APPID))["Event"] == "subscribe_msg_popup_event"


def test_the_push_url_is_verified_with_an_echo(push_sim: Sim, receiver: Receiver) -> None:
    receiver.answers = lambda received: (200, received.query["echostr"].encode())
    assert push_sim.control("/push/verify", {"appid": OA_APPID})["ok"] is True
    query = receiver.received[0].query
    check_signature(OA.token, query["signature"], query["timestamp"], query["nonce"])
    receiver.answers = lambda received: (200, b"nonsense")
    assert push_sim.control("/push/verify", {"appid": OA_APPID})["ok"] is False


def test_a_push_may_be_made_by_hand(push_sim: Sim, receiver: Receiver) -> None:
    event = {"Event": "LOCATION", "Latitude": "1.5"}
    push_sim.control("/push", {"appid": OA_APPID, "openid": "o1", "event": event, "mode": "plain"})
    push_sim.control("/push", {"appid": OA_APPID, "openid": "o1", "xml": "<xml>raw</xml>", "mode": "plain"})
    assert parse_message(receiver.received[0].body).latitude == 1.5
    assert receiver.received[1].body == "<xml>raw</xml>"


def test_an_act_need_not_wait_for_its_push(push_sim: Sim, receiver: Receiver) -> None:
    answer = push_sim.act(push_sim.user(), "follow", appid=OA_APPID, wait=False)
    assert answer["push"]["status"] == "queued"
    assert push_sim.wait_for_push("subscribe")["status"] == "answered"


def test_the_real_platforms_times_are_the_default() -> None:
    assert parse({}).push_timeout_seconds == 5
    assert TRIES == 3


def test_without_a_push_url_nothing_is_sent(sim: Sim) -> None:
    assert sim.act(sim.user(), "follow", appid=OA_APPID)["push"]["status"] == "no push_url"
