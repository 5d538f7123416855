from typing import Any

import pytest

from sandbox.defaults import MP_APPID, OA_APPID
from tests.sandbox.driver import Sim

VIEW = {"type": "view", "name": "会员卡", "url": "http://127.0.0.1:8000/h5/card"}
CLICK = {"type": "click", "name": "签到", "key": "check_in"}


def create(sim: Sim, *buttons: Any) -> int:
    return int(sim.post("/cgi-bin/menu/create", {"button": list(buttons)})["errcode"])


def conditional(sim: Sim, rule: Any, *buttons: Any) -> dict[str, Any]:
    return sim.post("/cgi-bin/menu/addconditional", {"button": list(buttons) or [CLICK], "matchrule": rule})


def test_a_menu_is_published_read_and_deleted(sim: Sim) -> None:
    assert sim.get("/cgi-bin/menu/get")["errcode"] == 46003
    assert create(sim, VIEW, {"name": "更多", "sub_button": [CLICK]}) == 0
    assert sim.get("/cgi-bin/menu/get") == {"menu": {"button": [VIEW, {"name": "更多", "sub_button": [CLICK]}]}}
    current = sim.get("/cgi-bin/get_current_selfmenu_info")
    assert current["is_menu_open"] == 1
    assert current["selfmenu_info"]["button"][1]["sub_button"] == {"list": [CLICK]}
    assert sim.get("/cgi-bin/menu/delete")["errcode"] == 0
    assert sim.get("/cgi-bin/menu/get")["errcode"] == 46003
    assert sim.get("/cgi-bin/get_current_selfmenu_info")["is_menu_open"] == 0


def sub(*entries: Any) -> dict[str, Any]:
    return {"name": "更多", "sub_button": list(entries)}


MINI = {
    "type": "miniprogram",
    "name": "小程序",
    "url": "http://a.cn/",
    "appid": MP_APPID,
    "pagepath": "pages/card/index",
}


@pytest.mark.parametrize(
    ("buttons", "expected"),
    [
        ([], 40016),
        ([CLICK] * 4, 40016),
        (["x"], 40017),
        ([{**CLICK, "type": "fly"}], 40017),
        ([{**CLICK, "name": "一二三四五a"}], 0),
        ([{**CLICK, "name": "一二三四五六"}], 40018),
        ([{**CLICK, "name": ""}], 40018),
        ([{**CLICK, "key": "k" * 128}], 0),
        ([{**CLICK, "key": "k" * 129}], 40019),
        ([{**VIEW, "url": f"http://a.cn/{'x' * 1012}"}], 0),
        ([{**VIEW, "url": f"http://a.cn/{'x' * 1013}"}], 40020),
        ([{**VIEW, "url": "ftp://a.cn/"}], 40055),
        ([{**VIEW, "url": "www.a.cn"}], 40055),
        ([{**VIEW, "url": "http://[x"}], 40055),
        ([sub(*[CLICK] * 5)], 0),
        ([sub(*[CLICK] * 6)], 40023),
        ([sub(sub(CLICK))], 40022),
        ([sub({**CLICK, "type": None})], 40024),
        ([sub({**CLICK, "name": "字" * 20})], 0),
        ([sub({**CLICK, "name": "字" * 21})], 40025),
        ([sub({**CLICK, "key": ""})], 40026),
        ([sub({**VIEW, "url": ""})], 40027),
        ([sub({**VIEW, "url": "javascript:1"})], 40054),
        ([MINI], 0),
        ([{**MINI, "appid": "wx0000"}], 45064),
        ([{**MINI, "pagepath": "pages/none"}], 40165),
    ],
)
def test_the_shape_of_a_menu_is_checked(sim: Sim, buttons: list[Any], expected: int) -> None:
    assert create(sim, *buttons) == expected


def test_a_personalised_menu_goes_to_those_with_the_tag_and_the_newest_wins(sim: Sim) -> None:
    gold, plain = sim.follower(), sim.follower()
    tag = sim.post("/cgi-bin/tags/create", {"tag": {"name": "金卡"}})["tag"]["id"]
    sim.post("/cgi-bin/tags/members/batchtagging", {"tagid": tag, "openid_list": [gold["openids"][OA_APPID]]})
    create(sim, VIEW)
    old = conditional(sim, {"tag_id": str(tag)}, CLICK)["menuid"]
    new = conditional(sim, {"tag_id": str(tag)}, {**CLICK, "name": "专享"})["menuid"]

    def seen(user: dict[str, Any]) -> str:
        body = {"user_id": user["openids"][OA_APPID]}
        return str(sim.post("/cgi-bin/menu/trymatch", body)["button"][0]["name"])

    assert [seen(gold), seen(plain)] == ["专享", "会员卡"]
    assert [one["menuid"] for one in sim.get("/cgi-bin/menu/get")["conditionalmenu"]] == [int(new), int(old)]
    assert sim.post("/cgi-bin/menu/delconditional", {"menuid": new})["errcode"] == 0
    assert seen(gold) == "签到"
    assert sim.post("/cgi-bin/menu/delconditional", {"menuid": new})["errcode"] == 65301
    assert sim.post("/cgi-bin/menu/trymatch", {"user_id": "nobody"})["errcode"] == 65302
    create(sim, CLICK)
    assert [seen(gold), seen(plain)] == ["签到", "签到"]


def test_conditions_are_checked(sim: Sim) -> None:
    assert conditional(sim, {"client_platform_type": "2"})["errcode"] == 65303
    create(sim, VIEW)
    assert conditional(sim, {})["errcode"] == 65304
    assert conditional(sim, {"tag_id": ""})["errcode"] == 65304
    assert conditional(sim, {"sex": "1", "client_platform_type": "2"})["errcode"] == 65320
    assert conditional(sim, {"tag_id": "999"})["errcode"] == 45159
    assert "menuid" in conditional(sim, {"client_platform_type": "2"})


def test_personalised_menus_lead_to_three_outside_domains_at_most(sim: Sim) -> None:
    create(sim, VIEW)
    rule = {"client_platform_type": "2"}
    links = [{**VIEW, "url": f"http://{name}.example/"} for name in "abcd"]
    assert "menuid" in conditional(sim, rule, *links[:3])
    assert "menuid" in conditional(sim, rule, links[0], VIEW)
    assert conditional(sim, rule, links[3])["errcode"] == 65316


def test_tapping_an_entry_tells_the_phone_what_to_do(sim: Sim) -> None:
    user = sim.follower()
    create(sim, VIEW, sub(CLICK, MINI))
    opened = sim.act(user, "menu", appid=OA_APPID, index=[0])
    assert (opened["action"], opened["url"]) == ("view", VIEW["url"])
    assert sim.act(user, "menu", appid=OA_APPID, index=[1, 0])["action"] == "click"
    assert sim.act(user, "menu", appid=OA_APPID, index=[1, 1])["pagepath"] == "pages/card/index"
    sim.act(user, "menu", appid=OA_APPID, index=[1], status=409)
    sim.act(user, "menu", appid=OA_APPID, index=[5], status=409)
    sim.act(user, "menu", appid=OA_APPID, index=["x"], status=400)
    sim.act(sim.user(), "menu", appid=OA_APPID, index=[0], status=409)
