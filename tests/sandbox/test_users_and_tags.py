from typing import Any

from sandbox.defaults import MP_APPID, OA_APPID
from tests.sandbox.driver import Sim


def openids(*people: dict[str, Any]) -> list[str]:
    return [user["openids"][OA_APPID] for user in people]


def tag(sim: Sim, name: str) -> dict[str, Any]:
    return sim.post("/cgi-bin/tags/create", {"tag": {"name": name}})


def put(sim: Sim, tag_id: int, *who: str) -> int:
    body = {"tagid": tag_id, "openid_list": list(who)}
    return int(sim.post("/cgi-bin/tags/members/batchtagging", body)["errcode"])


def test_a_person_has_one_openid_an_account_and_one_unionid(sim: Sim) -> None:
    user = sim.user(nickname="小明", phone="138 0000 0001")
    assert user["phone"] == "+8613800000001"
    assert len(set(user["openids"].values())) == 2
    assert all(len(one) == 28 and one.startswith("o") for one in user["openids"].values())
    assert sim.show(f"/users/{user['id']}") == user


def test_follower_info_has_no_name_but_the_scene(sim: Sim) -> None:
    user = sim.follower(nickname="小明")
    info = sim.get("/cgi-bin/user/info", openid=openids(user)[0])
    assert (info["subscribe"], info["nickname"], info["subscribe_scene"]) == (1, "", "ADD_SCENE_SEARCH")
    assert info["unionid"] == user["unionid"]


def test_one_who_does_not_follow_is_told_without_anything_else(sim: Sim) -> None:
    user = sim.follower()
    sim.act(user, "unfollow", appid=OA_APPID)
    assert sim.get("/cgi-bin/user/info", openid=openids(user)[0])["subscribe"] == 0
    assert "unionid" not in sim.get("/cgi-bin/user/info", openid=openids(user)[0])


def test_an_openid_of_another_account_is_unknown(sim: Sim) -> None:
    user = sim.follower()
    assert sim.get("/cgi-bin/user/info", openid=user["openids"][MP_APPID])["errcode"] == 40003


def test_followers_are_listed_and_fetched_in_batches(sim: Sim) -> None:
    people = [sim.follower() for _ in range(3)]
    sim.user()
    listed = sim.get("/cgi-bin/user/get")
    assert listed["data"]["openid"] == openids(*people)
    rest = sim.get("/cgi-bin/user/get", next_openid=openids(*people)[0])
    assert (rest["total"], rest["count"], rest["data"]["openid"]) == (3, 2, openids(*people)[1:])
    wanted = [{"openid": one, "lang": "zh_CN"} for one in openids(*people)]
    batch = sim.post("/cgi-bin/user/info/batchget", {"user_list": wanted})
    assert [one["openid"] for one in batch["user_info_list"]] == openids(*people)
    assert sim.post("/cgi-bin/user/info/batchget", {"user_list": wanted * 34})["errcode"] == 40032


def test_following_twice_or_unfollowing_a_stranger_is_refused(sim: Sim) -> None:
    user = sim.follower()
    sim.act(user, "follow", appid=OA_APPID, status=409)
    sim.act(sim.user(), "unfollow", appid=OA_APPID, status=409)
    sim.act(user, "follow", appid=MP_APPID, status=409)


def test_tags_are_made_renamed_counted_and_deleted(sim: Sim) -> None:
    made = tag(sim, "金卡")["tag"]
    user = sim.follower()
    assert put(sim, made["id"], *openids(user)) == 0
    assert sim.get("/cgi-bin/tags/get")["tags"] == [{"id": made["id"], "name": "金卡", "count": 1}]
    sim.post("/cgi-bin/tags/update", {"tag": {"id": made["id"], "name": "黑金"}})
    assert sim.post("/cgi-bin/tags/getidlist", {"openid": openids(user)[0]})["tagid_list"] == [made["id"]]
    assert sim.get("/cgi-bin/user/info", openid=openids(user)[0])["tagid_list"] == [made["id"]]
    assert sim.post("/cgi-bin/user/tag/get", {"tagid": made["id"]})["data"]["openid"] == openids(user)
    sim.post("/cgi-bin/tags/members/batchuntagging", {"tagid": made["id"], "openid_list": openids(user)})
    assert sim.post("/cgi-bin/user/tag/get", {"tagid": made["id"]})["count"] == 0
    assert sim.post("/cgi-bin/tags/delete", {"tag": {"id": made["id"]}})["errcode"] == 0
    assert sim.get("/cgi-bin/tags/get")["tags"] == []


def test_tag_names_are_unique_and_have_thirty_bytes(sim: Sim) -> None:
    assert "tag" in tag(sim, "一二三四五六七八九十")
    assert tag(sim, "一二三四五六七八九十")["errcode"] == 45157
    assert tag(sim, "一二三四五六七八九十a")["errcode"] == 45158


def test_an_account_has_a_hundred_tags_and_a_person_twenty(sim: Sim) -> None:
    ids = [tag(sim, f"标签{number}")["tag"]["id"] for number in range(100)]
    assert tag(sim, "第101个")["errcode"] == 45056
    who = openids(sim.follower())
    assert [put(sim, one, *who) for one in ids[:20]] == [0] * 20
    assert put(sim, ids[0], *who) == 0
    assert put(sim, ids[20], *who) == 45059


def test_wrong_tags_and_people_are_refused(sim: Sim) -> None:
    made = tag(sim, "金卡")["tag"]["id"]
    follower, stranger = sim.follower(), sim.user()
    assert put(sim, 999, *openids(follower)) == 45159
    assert put(sim, 2, *openids(follower)) == 45058
    assert put(sim, made, *openids(follower, stranger)) == 40003
    assert put(sim, made, *(openids(follower) * 51)) == 40032
    assert sim.post("/cgi-bin/tags/getidlist", {"openid": openids(follower)[0]})["tagid_list"] == []
