from collections.abc import Callable
from typing import Any

import pytest

from sandbox.defaults import DEFAULT_TEMPLATES, MP_APPID, OA_APPID
from tests.sandbox.driver import SUBSCRIBE, Sim

NOTICE = "OfficialAccountNotice0000000000000000000001"


def test_one_accepted_prompt_is_one_message(push_sim: Sim) -> None:
    user = push_sim.user()
    assert push_sim.subscribe_message(user)["errcode"] == 43101
    push_sim.grant(user, times=2)
    answers = [push_sim.subscribe_message(user, page="pages/card/index?from=notice")["errcode"] for _ in range(3)]
    assert answers == [0, 0, 43101]
    messages = push_sim.messages(user, "subscribe")
    assert [one["page"] for one in messages] == ["pages/card/index?from=notice"] * 2
    sent = push_sim.wait_for_push("subscribe_msg_sent_event", count=2)
    assert sent["fields"]["SubscribeMsgSentEvent"]["List"][0]["ErrorCode"] == "0"


def test_a_refused_message_takes_no_grant(sim: Sim) -> None:
    user = sim.user()
    sim.grant(user)
    assert sim.subscribe_message(user, data={"thing1": {"value": "字" * 21}})["errcode"] == 47003
    assert sim.subscribe_message(user, page="pages/none")["errcode"] == 41030
    assert sim.subscribe_message(user, template_id="none")["errcode"] == 40037
    assert sim.subscribe_message(user, touser=user["openids"][OA_APPID])["errcode"] == 40003
    assert sim.subscribe_message(user, miniprogram_state="beta")["errcode"] == 40097
    assert sim.subscribe_message(user, lang="fr")["errcode"] == 40097
    assert sim.subscribe_message(user, miniprogram_state="trial", lang="zh_TW")["errcode"] == 0


@pytest.mark.parametrize("answer", ["reject", "ban", "filter"])
def test_other_answers_give_no_grant(sim: Sim, answer: str) -> None:
    user = sim.user()
    sim.act(user, "mp/subscribe", appid=MP_APPID, answers={SUBSCRIBE: answer})
    assert sim.subscribe_message(user)["errcode"] == 43101


def test_turning_a_template_off_takes_all_grants(push_sim: Sim) -> None:
    user = push_sim.user()
    push_sim.grant(user, times=3)
    push_sim.act(user, "mp/subscription-settings", appid=MP_APPID, template_id=SUBSCRIBE, answer="reject")
    assert push_sim.subscribe_message(user)["errcode"] == 43101
    change = push_sim.wait_for_push("subscribe_msg_change_event")["fields"]["SubscribeMsgChangeEvent"]
    assert change["List"] == [{"TemplateId": SUBSCRIBE, "SubscribeStatusString": "reject"}]


def test_a_prompt_has_three_templates_at_most_and_known_ones_only(sim: Sim) -> None:
    user = sim.user()
    ask = {"appid": MP_APPID}
    sim.act(user, "mp/subscribe", **ask, answers={"none": "accept"}, status=409)
    sim.act(user, "mp/subscribe", **ask, answers={SUBSCRIBE: "maybe"}, status=409)
    sim.act(user, "mp/subscribe", **ask, answers={}, status=409)
    sim.act(user, "mp/subscribe", **ask, answers=dict.fromkeys("abcd", "accept"), status=409)
    sim.act(user, "mp/subscribe", **ask, answers={SUBSCRIBE: "accept"}, popup_scene="9", status=409)
    assert sim.show(f"/users/{user['id']}/grants") == []


def test_an_official_account_sends_notices_by_grant(start_sim: Callable[..., Sim], config: dict[str, Any]) -> None:
    notice = {
        "appid": OA_APPID, "template_id": NOTICE, "kind": "subscribe", "title": "活动提醒",
        "content": "活动:{{thing1.DATA}}",
    }  # fmt: skip
    sim = start_sim({**config, "templates": [*DEFAULT_TEMPLATES, notice]})
    user = sim.user()
    body = {"touser": user["openids"][OA_APPID], "template_id": NOTICE, "data": {"thing1": {"value": "会员日"}}}
    assert sim.post("/cgi-bin/message/subscribe/bizsend", body)["errcode"] == 43101
    sim.act(user, "mp/subscribe", appid=OA_APPID, answers={NOTICE: "accept"}, popup_scene="1")
    assert sim.post("/cgi-bin/message/subscribe/bizsend", {**body, "page": "http://a.cn/"})["errcode"] == 0
    assert sim.messages(user, "subscribe")[0]["url"] == "http://a.cn/"
    assert (
        sim.post("/cgi-bin/message/subscribe/bizsend", {**body, "data": {"thing1": {"value": ""}}})["errcode"] == 47003
    )


def custom(sim: Sim, user: dict[str, Any], appid: str = OA_APPID, **changes: Any) -> int:
    body = {"touser": user["openids"][appid], "msgtype": "text", "text": {"content": "您好"}, **changes}
    return int(sim.post("/cgi-bin/message/custom/send", body, appid=appid)["errcode"])


def test_following_opens_three_messages_for_a_minute(sim: Sim) -> None:
    user = sim.follower()
    assert [custom(sim, user) for _ in range(4)] == [0, 0, 0, 45047]
    sim.advance(61)
    assert custom(sim, user) == 45015
    assert [one["text"] for one in sim.messages(user, "custom")] == ["您好"] * 3


def test_writing_opens_five_messages_for_two_days(sim: Sim) -> None:
    user = sim.follower()
    sim.advance(61)
    sim.act(user, "text", appid=OA_APPID, content="在吗")
    sim.advance(47 * 3600)
    assert [custom(sim, user) for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    sim.act(user, "text", appid=OA_APPID, content="在吗")
    assert custom(sim, user) == 0
    sim.advance(48 * 3600 + 1)
    assert custom(sim, user) == 45015


def test_a_menu_click_opens_three_messages(sim: Sim) -> None:
    user = sim.follower()
    sim.advance(61)
    sim.post("/cgi-bin/menu/create", {"button": [{"type": "click", "name": "签到", "key": "k"}]})
    sim.act(user, "menu", appid=OA_APPID, index=[0])
    assert [custom(sim, user) for _ in range(4)] == [0, 0, 0, 45047]


def test_entering_a_mini_programs_session_opens_two_messages(sim: Sim) -> None:
    user = sim.user()
    assert custom(sim, user, MP_APPID) == 45015
    sim.act(user, "mp/enter", appid=MP_APPID)
    assert [custom(sim, user, MP_APPID) for _ in range(3)] == [0, 0, 45047]


def test_customer_messages_are_checked(sim: Sim) -> None:
    user = sim.follower()
    assert custom(sim, user, touser="nobody") == 40003
    assert custom(sim, user, msgtype="dance") == 40008
    assert custom(sim, user, text={}) == 47001
    assert custom(sim, user, text={"content": "字" * 683}) == 45002
    sim.control(f"/users/{user['id']}", {"blocks": [OA_APPID]}, method="PATCH")
    assert custom(sim, user) == 48002


def test_a_news_message_shows_title_and_link(sim: Sim) -> None:
    user = sim.follower()
    article = {"title": "会员日", "description": "双倍积分", "url": "http://a.cn/"}
    assert custom(sim, user, msgtype="news", news={"articles": [article]}) == 0
    [message] = sim.messages(user, "custom")
    assert (message["title"], message["text"], message["url"]) == ("会员日", "双倍积分", "http://a.cn/")
    assert custom(sim, user, msgtype="news", news={"articles": [article] * 2}) == 45008


def test_subscription_templates_are_listed_changed_and_deleted_by_the_accounts_own_token(sim: Sim) -> None:
    path = "/wxaapi/newtmpl/gettemplate"
    listed = sim.get(path, appid=MP_APPID)
    assert listed["errcode"] == 0
    found = {one["priTmplId"]: one for one in listed["data"]}
    assert (found[SUBSCRIBE]["type"], "keywordEnumValueList" in found[SUBSCRIBE]) == (2, False)
    assert sim.get(path, appid=OA_APPID)["data"] == []

    made = {"appid": MP_APPID, "template_id": SUBSCRIBE, "kind": "subscribe", "title": "新"}
    sim.control("/templates", {**made, "content": "{{enum1.DATA}}", "choices": {"enum1": ["是", "否"]}})
    found = {one["priTmplId"]: one for one in sim.get(path, appid=MP_APPID)["data"]}
    assert found[SUBSCRIBE]["keywordEnumValueList"] == [{"keywordCode": "enum1.DATA", "enumValueList": ["是", "否"]}]
    sim.control("/templates", {**made, "kind": "other"}, status=400)

    delete = "/wxaapi/newtmpl/deltemplate"
    assert sim.post(delete, {"priTmplId": SUBSCRIBE}, appid=OA_APPID)["errcode"] == 40037
    assert sim.post(delete, {"priTmplId": SUBSCRIBE}, appid=MP_APPID)["errcode"] == 0
    assert SUBSCRIBE not in [one["priTmplId"] for one in sim.get(path, appid=MP_APPID)["data"]]
