"""Tags (用户标签) of an Official Account: 100 an account, 20 a person, ids from 100; 0 to 2 belong to the platform."""

from typing import Any

from sandbox import users
from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError
from sandbox.follows import is_follower

MOST = 100
MOST_A_USER = 20
BATCH = 50
FIRST_ID = 100
PAGE = 10_000


@endpoint("/cgi-bin/tags/create", kind="oa")
def create(call: Call) -> Answer:
    """Makes a tag."""
    name = _new_name(call)
    if call.world.store.value("SELECT COUNT(*) FROM tags WHERE appid = ?", call.account.appid) >= MOST:
        raise ApiError(45056)
    last = call.world.store.value("SELECT MAX(id) FROM tags WHERE appid = ?", call.account.appid)
    tag_id = FIRST_ID if last is None else int(last) + 1
    call.world.store.run("INSERT INTO tags VALUES (?, ?, ?)", call.account.appid, tag_id, name)
    return {"tag": {"id": tag_id, "name": name}}


@endpoint("/cgi-bin/tags/get", method="GET", kind="oa")
def get(call: Call) -> Answer:
    """All tags with the number of people."""
    rows = call.world.store.rows(
        "SELECT t.id, t.name, COUNT(m.user_id) AS count FROM tags t"
        " LEFT JOIN tag_members m ON m.appid = t.appid AND m.tag_id = t.id"
        " WHERE t.appid = ? GROUP BY t.id, t.name ORDER BY t.id",
        call.account.appid,
    )
    return {"tags": [dict(row) for row in rows]}


@endpoint("/cgi-bin/tags/update", kind="oa")
def update(call: Call) -> Answer:
    """Renames a tag."""
    tag_id = _tag(call, call.part("tag", refuse=45159).get("id"))
    name = _new_name(call, except_id=tag_id)
    call.world.store.run("UPDATE tags SET name = ? WHERE appid = ? AND id = ?", name, call.account.appid, tag_id)
    return OK


@endpoint("/cgi-bin/tags/delete", kind="oa")
def delete(call: Call) -> Answer:
    """Deletes a tag and takes it off everybody."""
    tag_id = _tag(call, call.part("tag", refuse=45159).get("id"))
    call.world.store.run("DELETE FROM tags WHERE appid = ? AND id = ?", call.account.appid, tag_id)
    call.world.store.run("DELETE FROM tag_members WHERE appid = ? AND tag_id = ?", call.account.appid, tag_id)
    return OK


@endpoint("/cgi-bin/tags/members/batchtagging", kind="oa")
def tag_people(call: Call) -> Answer:
    """Puts a tag on up to fifty followers; all or none."""
    tag_id = _tag(call, call.body.get("tagid"))
    for user_id in _followers(call):
        _put(call, tag_id, user_id)
    return OK


@endpoint("/cgi-bin/tags/members/batchuntagging", kind="oa")
def untag_people(call: Call) -> Answer:
    """Takes a tag off up to fifty followers."""
    tag_id = _tag(call, call.body.get("tagid"))
    for user_id in _followers(call):
        call.world.store.run(
            "DELETE FROM tag_members WHERE appid = ? AND tag_id = ? AND user_id = ?",
            call.account.appid,
            tag_id,
            user_id,
        )
    return OK


@endpoint("/cgi-bin/tags/getidlist", kind="oa")
def tags_of_person(call: Call) -> Answer:
    """The tags of one person."""
    user_id = _person(call, call.text("openid", refuse=40003))
    return {"tagid_list": _tags_of(call, user_id)}


@endpoint("/cgi-bin/user/tag/get", kind="oa")
def people_of_tag(call: Call) -> Answer:
    """The people of one tag, 10,000 a page."""
    rows = call.world.store.rows(
        "SELECT o.openid FROM tag_members m JOIN openids o ON o.appid = m.appid AND o.user_id = m.user_id"
        " WHERE m.appid = ? AND m.tag_id = ? ORDER BY m.rowid",
        call.account.appid, _tag(call, call.body.get("tagid")),
    )  # fmt: skip
    openids = [row["openid"] for row in rows]
    after = call.body.get("next_openid") or ""
    page = openids[openids.index(after) + 1 if after in openids else 0 :][:PAGE]
    told: dict[str, Any] = {"count": len(page), "next_openid": page[-1] if page else ""}
    return {**told, "data": {"openid": page}} if page else told


def _new_name(call: Call, *, except_id: int | None = None) -> str:
    name = call.part("tag", refuse=45157).get("name")
    if not isinstance(name, str) or not name:
        raise ApiError(45157)
    if len(name.encode()) > 30:
        raise ApiError(45158)
    known = call.world.store.value("SELECT id FROM tags WHERE appid = ? AND name = ?", call.account.appid, name)
    if known is not None and known != except_id:
        raise ApiError(45157)
    return name


def _tag(call: Call, tag_id: object) -> int:
    if isinstance(tag_id, str) and tag_id.isascii() and tag_id.isdigit():
        tag_id = int(tag_id)
    if not isinstance(tag_id, int):
        raise ApiError(45159)
    if tag_id in (0, 1, 2):
        raise ApiError(45058)
    if call.world.store.row("SELECT 1 FROM tags WHERE appid = ? AND id = ?", call.account.appid, tag_id) is None:
        raise ApiError(45159)
    return tag_id


def _followers(call: Call) -> list[int]:
    people = [_person(call, openid) for openid in call.texts("openid_list", refuse=40032, most=BATCH)]
    if not all(is_follower(call.world, appid=call.account.appid, user_id=user_id) for user_id in people):
        raise ApiError(40003)
    return people


def _person(call: Call, openid: str) -> int:
    user_id = users.of_openid(call.world, appid=call.account.appid, openid=openid)
    if user_id is None:
        raise ApiError(40003)
    return user_id


def _put(call: Call, tag_id: int, user_id: int) -> None:
    known = _tags_of(call, user_id)
    if tag_id in known:
        return
    if len(known) >= MOST_A_USER:
        raise ApiError(45059)
    call.world.store.run("INSERT INTO tag_members VALUES (?, ?, ?)", call.account.appid, tag_id, user_id)


def _tags_of(call: Call, user_id: int) -> list[int]:
    rows = call.world.store.rows(
        "SELECT tag_id FROM tag_members WHERE appid = ? AND user_id = ? ORDER BY tag_id", call.account.appid, user_id
    )
    return [row["tag_id"] for row in rows]
