"""Followers as the Official Account sees them: no nickname, no avatar since 2021."""

import json
from typing import Any

from sandbox import users
from sandbox.config import Account
from sandbox.dispatch import Answer, Call, endpoint
from sandbox.errors import ApiError
from sandbox.world import World

PAGE = 10_000
BATCH = 100


@endpoint("/cgi-bin/user/info", method="GET", kind="oa", day=5_000_000)
def info(call: Call) -> Answer:
    """One person."""
    return _told(call.world, call.account, call.query.get("openid", ""))


@endpoint("/cgi-bin/user/info/batchget", kind="oa", day=5_000_000)
def batchget(call: Call) -> Answer:
    """Up to a hundred people."""
    wanted = call.body.get("user_list")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= BATCH:
        raise ApiError(40032)
    openids = [one.get("openid") if isinstance(one, dict) else None for one in wanted]
    return {"user_info_list": [_told(call.world, call.account, str(openid)) for openid in openids]}


@endpoint("/cgi-bin/user/get", method="GET", kind="oa", day=500)
def get(call: Call) -> Answer:
    """The followers' openids, 10,000 a page, starting behind ``next_openid``."""
    rows = call.world.store.rows(
        "SELECT o.openid FROM follows f JOIN openids o ON o.appid = f.appid AND o.user_id = f.user_id"
        " WHERE f.appid = ? ORDER BY f.rowid",
        call.account.appid,
    )
    openids = [row["openid"] for row in rows]
    after = call.query.get("next_openid", "")
    if after and after not in openids:
        raise ApiError(40003)
    page = openids[openids.index(after) + 1 if after else 0 :][:PAGE]
    told: dict[str, Any] = {"total": len(openids), "count": len(page), "next_openid": page[-1] if page else ""}
    return {**told, "data": {"openid": page}} if page else told


def _told(world: World, account: Account, openid: str) -> dict[str, Any]:
    user_id = users.of_openid(world, appid=account.appid, openid=openid)
    if user_id is None:
        raise ApiError(40003)
    follow = world.store.row("SELECT * FROM follows WHERE appid = ? AND user_id = ?", account.appid, user_id)
    if follow is None:
        return {"subscribe": 0, "openid": openid, "tagid_list": []}
    tags = world.store.value(
        "SELECT json_group_array(tag_id) FROM tag_members WHERE appid = ? AND user_id = ?", account.appid, user_id
    )
    told = {
        "subscribe": 1, "openid": openid, "nickname": "", "sex": 0, "language": "zh_CN", "city": "", "province": "",
        "country": "", "headimgurl": "", "subscribe_time": int(follow["followed_at"]), "remark": "", "groupid": 0,
        "tagid_list": json.loads(tags), "subscribe_scene": follow["scene"], "qr_scene": follow["qr_scene"],
        "qr_scene_str": follow["qr_scene_str"],
    }  # fmt: skip
    unionid = users.public_unionid(world, user_id)
    return told if unionid is None else {**told, "unionid": unionid}
