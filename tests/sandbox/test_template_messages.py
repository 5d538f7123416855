from collections.abc import Callable
from typing import Any

import pytest

from sandbox.defaults import DEFAULT_TEMPLATES, MP_APPID, OA_APPID
from tests.sandbox.driver import TEMPLATE, Sim

OLD = "OldTemplate000000000000000000000000000000001"


@pytest.fixture
def sim(start_sim: Callable[..., Sim], config: dict[str, Any]) -> Sim:
    """With a template of the old kind beside the default one."""
    old = {
        "appid": OA_APPID,
        "template_id": OLD,
        "kind": "template",
        "title": "会员通知",
        "content": "{{first.DATA}}\n说明：{{keyword1.DATA}}\n{{remark.DATA}}",
    }
    return start_sim({**config, "templates": [*DEFAULT_TEMPLATES, old]})


def test_a_message_lands_on_the_followers_phone_with_its_labels(sim: Sim) -> None:
    user = sim.follower()
    answer = sim.template_message(user, url="http://127.0.0.1:8000/h5/points")
    assert answer["errcode"] == 0
    [message] = sim.messages(user, "template")
    assert (message["title"], message["appid"], message["url"]) == (
        "积分变动通知",
        OA_APPID,
        "http://127.0.0.1:8000/h5/points",
    )
    assert message["fields"][2] == {"key": "thing3", "label": "变动原因", "value": "每日签到"}


def test_the_outcome_comes_by_event(push_sim: Sim) -> None:
    user = push_sim.follower()
    msgid = push_sim.template_message(user)["msgid"]
    fields = push_sim.wait_for_push("TEMPLATESENDJOBFINISH")["fields"]
    assert (fields["MsgID"], fields["Status"]) == (msgid, "success")


def test_one_who_blocks_the_account_gets_nothing_and_the_event_says_so(push_sim: Sim) -> None:
    user = push_sim.follower()
    push_sim.control(f"/users/{user['id']}", {"blocks": [OA_APPID]}, method="PATCH")
    assert push_sim.template_message(user)["errcode"] == 0
    assert push_sim.wait_for_push("TEMPLATESENDJOBFINISH")["fields"]["Status"] == "failed:user block"
    assert push_sim.messages(user, "template") == []


def test_receiver_and_template_are_checked(sim: Sim) -> None:
    user, stranger = sim.follower(), sim.user()
    assert sim.template_message(user, touser="nobody")["errcode"] == 40003
    assert sim.template_message(user, touser=user["openids"][MP_APPID])["errcode"] == 40003
    assert sim.template_message(stranger)["errcode"] == 43004
    assert sim.template_message(user, template_id="none")["errcode"] == 40037
    assert sim.template_message(user, miniprogram={"appid": "wx0000"})["errcode"] == 40013
    page = {"appid": MP_APPID, "pagepath": "pages/none"}
    assert sim.template_message(user, miniprogram=page)["errcode"] == 40165
    assert sim.template_message(user, data="x")["errcode"] == 47001
    assert sim.messages(user, "template") == []


def test_a_value_against_its_type_is_refused_by_name(sim: Sim) -> None:
    user = sim.follower()
    data = {
        "character_string1": {"value": "M1"}, "number2": {"value": "1"}, "thing3": {"value": "字" * 21},
        "number4": {"value": "1"}, "time5": {"value": "10:00"},
    }  # fmt: skip
    refused = sim.template_message(user, data=data)
    assert refused["errcode"] == 47003
    assert refused["errmsg"].startswith("argument invalid! data.thing3.value invalid rid: ")
    data["thing3"]["value"] = ""
    assert "data.thing3.value is empty" in sim.template_message(user, data=data)["errmsg"]
    data["thing3"]["value"] = "字" * 20
    assert sim.template_message(user, data=data)["errcode"] == 0


def test_first_remark_colour_emoji_and_long_text_fall_away_and_that_is_recorded(sim: Sim) -> None:
    user = sim.follower()
    data = {
        "first": {"value": "恭喜", "color": "#f00"},
        "keyword1": {"value": "一二三四五六七八九十\n一二三四五六七八九十🎉", "color": "#0f0"},
        "remark": {"value": "谢谢"},
    }
    assert sim.template_message(user, template_id=OLD, data=data)["errcode"] == 0
    [message] = sim.messages(user, "template")
    assert message["fields"] == [
        {"key": "keyword1", "label": "说明", "value": "一二三四五六七八九十 一二三四五六七八九"}
    ]
    assert message["stripped"] == [
        "first", "remark", "first.color", "keyword1.color", "keyword1.emoji", "keyword1.line_break", "keyword1.cut",
    ]  # fmt: skip


def test_the_same_client_msg_id_sends_once_within_ten_minutes(push_sim: Sim) -> None:
    user, other = push_sim.follower(), push_sim.follower()
    first = push_sim.template_message(user, client_msg_id="notice-1")
    again = push_sim.template_message(user, client_msg_id="notice-1")
    assert first["msgid"] == again["msgid"]
    assert push_sim.template_message(other, client_msg_id="notice-1")["msgid"] != first["msgid"]
    assert push_sim.template_message(user, client_msg_id="notice-2")["msgid"] != first["msgid"]
    assert len(push_sim.messages(user, "template")) == 2
    push_sim.wait_for_push("TEMPLATESENDJOBFINISH", count=3)
    push_sim.advance(601)
    assert push_sim.template_message(user, client_msg_id="notice-1")["msgid"] != first["msgid"]
    assert len(push_sim.messages(user, "template")) == 3


def test_templates_are_listed_added_from_the_library_and_deleted(sim: Sim) -> None:
    listed = sim.get("/cgi-bin/template/get_all_private_template")["template_list"]
    assert TEMPLATE in [one["template_id"] for one in listed]
    add = {"template_id_short": "43216", "keyword_name_list": ["券名称", "有效期至"]}
    made = sim.post("/cgi-bin/template/api_add_template", add)["template_id"]
    data = {"thing1": {"value": "满减券"}, "time2": {"value": "2026-03-10 10:00"}}
    user = sim.follower()
    assert sim.template_message(user, template_id=made, data=data)["errcode"] == 0
    assert sim.post("/cgi-bin/template/del_private_template", {"template_id": made})["errcode"] == 0
    assert sim.template_message(user, template_id=made, data=data)["errcode"] == 40037
    assert sim.post("/cgi-bin/template/del_private_template", {"template_id": made})["errcode"] == 40037


def test_adding_needs_known_keywords_and_stops_at_twenty_five(sim: Sim) -> None:
    add = {"template_id_short": "43216", "keyword_name_list": ["券名称"]}
    path = "/cgi-bin/template/api_add_template"
    assert sim.post(path, {"template_id_short": "43216"})["errcode"] == 40037
    assert sim.post(path, {**add, "keyword_name_list": ["没有"]})["errcode"] == 40037
    assert sim.post(path, {**add, "template_id_short": "1"})["errcode"] == 40037
    existing = len(sim.get("/cgi-bin/template/get_all_private_template")["template_list"])
    codes = [sim.post(path, add)["errcode"] for _ in range(26 - existing)]
    assert codes == [0] * (25 - existing) + [45026]


def test_industries_are_checked_and_change_once_a_month(sim: Sim) -> None:
    sim.morning()
    path = "/cgi-bin/template/api_set_industry"
    assert sim.post(path, {"industry_id1": "1", "industry_id2": "99"})["errcode"] == 40102
    assert sim.post(path, {"industry_id1": "1", "industry_id2": "2"})["errcode"] == 0
    assert sim.post(path, {"industry_id1": "1", "industry_id2": "2"})["errcode"] == 43100
