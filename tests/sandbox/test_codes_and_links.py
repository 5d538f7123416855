from typing import Any

import pytest

from sandbox.defaults import MP_APPID, OA_APPID
from tests.sandbox.driver import API, Sim
from tests.sandbox.receiver import Receiver

TEXT = {"expire_seconds": 600, "action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "invite-1"}}}


def create(sim: Sim, **changes: Any) -> dict[str, Any]:
    return sim.post("/cgi-bin/qrcode/create", {**TEXT, **changes})


def permanent(value: Any) -> dict[str, Any]:
    return {"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": value}}}


def scene(value: Any) -> dict[str, Any]:
    return {"action_info": {"scene": {"scene_str": value}}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 0),
        ({"action_name": "QR_CARD"}, 40053),
        ({"action_info": "x"}, 40053),
        (scene(""), 40053),
        (scene("s" * 64), 0),
        (scene("s" * 65), 40053),
        (permanent(100_000), 0),
        (permanent(100_001), 40053),
        (permanent(True), 40053),
        ({"action_name": "QR_SCENE", **{"action_info": {"scene": {"scene_id": 0}}}}, 40053),
        ({"action_name": "QR_SCENE", **{"action_info": {"scene": {"scene_id": 2**32 - 1}}}}, 0),
        ({"expire_seconds": 2_592_000}, 0),
        ({"expire_seconds": 2_592_001}, 40097),
        ({"expire_seconds": "60"}, 40097),
    ],
)
def test_codes_are_made_within_the_rules(sim: Sim, changes: dict[str, Any], expected: int) -> None:
    assert create(sim, **changes).get("errcode", 0) == expected


def test_a_permanent_scene_always_has_the_same_code(sim: Sim) -> None:
    assert create(sim, **permanent(7)) == create(sim, **permanent(7))
    assert create(sim)["ticket"] != create(sim)["ticket"]


def test_the_picture_of_a_ticket_needs_no_token(sim: Sim) -> None:
    made = create(sim)
    path = "/mp.weixin.qq.com/cgi-bin/showqrcode"
    answer = sim.http("GET", path, params={"ticket": made["ticket"]})
    assert answer.content.startswith(b"\x89PNG")
    assert made["url"].encode() in answer.content
    assert sim.http("GET", path, params={"ticket": "none"}).status_code == 404


def test_a_stranger_who_scans_follows_with_the_scene(push_sim: Sim, receiver: Receiver) -> None:
    user, made = push_sim.user(), create(push_sim)
    push_sim.act(user, "scan", ticket=made["ticket"])
    push_sim.act(user, "scan", url=made["url"])
    fields = [one["fields"] for one in push_sim.show("/log/pushes")]
    assert [(one["Event"], one["EventKey"], one["Ticket"]) for one in fields] == [
        ("subscribe", "qrscene_invite-1", made["ticket"]),
        ("SCAN", "invite-1", made["ticket"]),
    ]
    info = push_sim.get("/cgi-bin/user/info", openid=user["openids"][OA_APPID])
    assert (info["subscribe_scene"], info["qr_scene_str"]) == ("ADD_SCENE_QR_CODE", "invite-1")


def test_an_expired_or_unknown_code_cannot_be_scanned(sim: Sim) -> None:
    made, user = create(sim), sim.user()
    sim.advance(601)
    sim.act(user, "scan", ticket=made["ticket"], status=409)
    sim.act(user, "scan", ticket="none", status=409)


def wxacode(sim: Sim, **changes: Any) -> Any:
    query = {"access_token": sim.token(MP_APPID)}
    body = {"scene": "s=1", "page": "pages/card/index", **changes}
    return sim.http("POST", f"{API}/wxa/getwxacodeunlimit", params=query, json=body)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"scene": "x" * 33}, 40129),
        ({"scene": ""}, 40129),
        ({"scene": "a%20"}, 40169),
        ({"scene": "会员"}, 40169),
        ({"scene": "scancode_time=1"}, 85096),
        ({"page": "/pages/card/index"}, 41030),
        ({"page": "pages/card/index?a=1"}, 41030),
        ({"page": "pages/none"}, 41030),
        ({"env_version": "beta"}, 40097),
        ({"width": 279}, 40097),
        ({"width": 1281}, 40097),
    ],
)
def test_mini_program_codes_are_refused_outside_the_rules(sim: Sim, changes: dict[str, Any], expected: int) -> None:
    assert wxacode(sim, **changes).json()["errcode"] == expected


def test_a_mini_program_code_opens_its_page_with_the_scene(sim: Sim) -> None:
    answer = wxacode(sim, scene="x" * 32)
    assert answer.content.startswith(b"\x89PNG")
    start = answer.content.index(b"https://mp.weixin.qq.com/a/")
    url = answer.content[start : answer.content.index(b"IDAT") - 8].decode()
    opened = sim.act(sim.user(), "scan", url=url)
    assert (opened["action"], opened["path"], opened["query"]) == (
        "mini_program",
        "pages/card/index",
        f"scene={'x' * 32}",
    )
    assert wxacode(sim, page="pages/new", check_path=False).content.startswith(b"\x89PNG")


def link(sim: Sim, **changes: Any) -> dict[str, Any]:
    body = {"path": "/pages/card/index", "query": "a=1", **changes}
    return sim.post("/wxa/generate_urllink", body, appid=MP_APPID)


def test_links_open_the_mini_program_for_thirty_days(sim: Sim) -> None:
    user = sim.user()
    url = link(sim, expire_type=1, expire_interval=30)["url_link"]
    body = {"jump_wxa": {"path": "pages/card/index", "query": "b=2"}}
    scheme = sim.post("/wxa/generatescheme", body, appid=MP_APPID)["openlink"]
    assert scheme.startswith("weixin://dl/business/?t=")
    assert sim.act(user, "scan", url=url)["query"] == "a=1"
    assert sim.act(user, "scan", url=scheme)["query"] == "b=2"
    sim.advance(30 * 86400 + 1)
    sim.act(user, "scan", url=url, status=409)


def test_links_are_refused_outside_the_rules(sim: Sim) -> None:
    now = int(sim.handle.world.clock.now())
    assert link(sim, path="pages/none")["errcode"] == 40165
    assert link(sim, query="q" * 1025)["errcode"] == 40212
    assert link(sim, expire_type=1, expire_interval=31)["errcode"] == 85402
    assert link(sim, expire_type=0, expire_time=now - 1)["errcode"] == 85401
    assert link(sim, expire_type=0, expire_time=now + 31 * 86400)["errcode"] == 85401
    sim.control(f"/config/accounts/{MP_APPID}", {"is_released": False}, method="PATCH")
    assert link(sim)["errcode"] == 85079


def test_other_scanned_texts_are_pages_or_plain_text(sim: Sim) -> None:
    user = sim.user()
    assert sim.act(user, "scan", url="http://127.0.0.1:8000/h5")["action"] == "view"
    assert sim.act(user, "scan", url="28000000001")["action"] == "text"
