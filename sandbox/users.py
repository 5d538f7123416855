"""The people of the simulated world: one openid per account, a unionid where the Open Platform joins the accounts.

A snapshot visitor (快照页) is a separate virtual user, never shown among the people.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

from sandbox.clock import iso
from sandbox.world import World


class UserNotFound(Exception):
    """No user has this id."""


class UserInvalid(Exception):
    """A user's field has a wrong value; the text names it."""


class User(TypedDict):
    """One person with a phone."""

    id: int
    nickname: str
    phone: str | None
    unionid: str | None
    openids: dict[str, str]
    follows: list[str]
    blocks: list[str]
    risk_rank: int
    created_at: str


def create(world: World, given: Mapping[str, Any] | None = None) -> User:
    """Adds a person; nickname and phone are made up unless given. Raises UserInvalid.

    ``phone`` null or false means none; ``unionid`` false means that the person has none.
    """
    given = given or {}
    _refuse_unknown(given, {"nickname", "phone", "unionid", "risk_rank"})
    phone = e164(given["phone"]) if "phone" in given else f"+86139{world.random.digits(8)}"
    unionid = _unionid(world, given.get("unionid", True))
    with world.store.transaction():
        user_id = world.store.run(
            "INSERT INTO users (nickname, phone, unionid, risk_rank, created_at) VALUES (?, ?, ?, ?, ?)",
            "", phone, unionid, _risk_rank(given.get("risk_rank", 0)), world.clock.now(),
        )  # fmt: skip
        nickname = str(given.get("nickname") or f"微信用户{user_id}")
        world.store.run("UPDATE users SET nickname = ? WHERE id = ?", nickname, user_id)
        return get(world, user_id)


def get(world: World, user_id: int) -> User:
    """One person. Raises UserNotFound."""
    row = world.store.row("SELECT * FROM users WHERE id = ? AND virtual_of IS NULL", user_id)
    if row is None:
        raise UserNotFound(f"no user {user_id}")
    return {
        "id": row["id"],
        "nickname": row["nickname"],
        "phone": row["phone"],
        "unionid": row["unionid"],
        "openids": {one.appid: openid(world, appid=one.appid, user_id=user_id) for one in world.config.accounts},
        "follows": _appids(world, "SELECT appid FROM follows WHERE user_id = ? ORDER BY appid", user_id),
        "blocks": _appids(world, "SELECT appid FROM blocks WHERE user_id = ? ORDER BY appid", user_id),
        "risk_rank": row["risk_rank"],
        "created_at": iso(row["created_at"]),
    }


def everybody(world: World) -> list[User]:
    """All people, oldest first."""
    ids = world.store.rows("SELECT id FROM users WHERE virtual_of IS NULL ORDER BY id")
    return [get(world, row["id"]) for row in ids]


def update(world: World, user_id: int, changes: Mapping[str, Any]) -> User:
    """Changes nickname, phone, unionid, risk_rank or blocks (the appids whose messages the person refuses).

    Raises UserNotFound, UserInvalid.
    """
    _refuse_unknown(changes, {"nickname", "phone", "unionid", "risk_rank", "blocks"})
    with world.store.transaction():
        get(world, user_id)
        if "nickname" in changes:
            world.store.run("UPDATE users SET nickname = ? WHERE id = ?", str(changes["nickname"]), user_id)
        if "phone" in changes:
            world.store.run("UPDATE users SET phone = ? WHERE id = ?", e164(changes["phone"]), user_id)
        if "unionid" in changes:
            world.store.run("UPDATE users SET unionid = ? WHERE id = ?", _unionid(world, changes["unionid"]), user_id)
        if "risk_rank" in changes:
            world.store.run("UPDATE users SET risk_rank = ? WHERE id = ?", _risk_rank(changes["risk_rank"]), user_id)
        if "blocks" in changes:
            _set_blocks(world, user_id, changes["blocks"])
        return get(world, user_id)


def openid(world: World, *, appid: str, user_id: int) -> str:
    """The person's id in one account, made when first asked for."""
    with world.store.transaction():
        known = world.store.value("SELECT openid FROM openids WHERE appid = ? AND user_id = ?", appid, user_id)
        if known is not None:
            return str(known)
        fresh = f"o{world.random.text(27)}"
        world.store.run("INSERT INTO openids (appid, openid, user_id) VALUES (?, ?, ?)", appid, fresh, user_id)
        return fresh


def of_openid(world: World, *, appid: str, openid: str) -> int | None:
    """Whose openid this is in this account, virtual users included."""
    found = world.store.value("SELECT user_id FROM openids WHERE appid = ? AND openid = ?", appid, openid)
    return None if found is None else int(found)


def public_unionid(world: World, user_id: int) -> str | None:
    """The unionid the platform tells: None when the accounts are not bound to an Open Platform account."""
    if not world.config.open_platform:
        return None
    found = world.store.value("SELECT unionid FROM users WHERE id = ?", user_id)
    return None if found is None else str(found)


def virtual(world: World, user_id: int) -> int:
    """The id of the virtual user behind whom a snapshot page hides this person; made when first asked for."""
    with world.store.transaction():
        known = world.store.value("SELECT id FROM users WHERE virtual_of = ?", user_id)
        if known is not None:
            return int(known)
        return world.store.run(
            "INSERT INTO users (nickname, unionid, virtual_of, created_at) VALUES ('微信用户', ?, ?, ?)",
            _unionid(world, True), user_id, world.clock.now(),
        )  # fmt: skip


def is_virtual(world: World, user_id: int) -> bool:
    """Whether this is the virtual user of a snapshot page."""
    return world.store.value("SELECT virtual_of FROM users WHERE id = ?", user_id) is not None


def blocks(world: World, *, appid: str, user_id: int) -> bool:
    """Whether the person refuses messages of this account."""
    return world.store.row("SELECT 1 FROM blocks WHERE appid = ? AND user_id = ?", appid, user_id) is not None


def visit(world: World, *, appid: str, user_id: int) -> None:
    """Notes that the person is using the mini program now; some interfaces ask for a visit within two hours."""
    world.store.run("INSERT OR REPLACE INTO visits VALUES (?, ?, ?)", appid, user_id, world.clock.now())


def has_visited(world: World, *, appid: str, user_id: int) -> bool:
    """Whether the person used the mini program within the last two hours."""
    at = world.store.value("SELECT visited_at FROM visits WHERE appid = ? AND user_id = ?", appid, user_id)
    return at is not None and world.clock.now() - float(at) <= 2 * 3600


def e164(given: object) -> str | None:
    """A phone number in international form; eleven bare digits are one of mainland China. Raises UserInvalid."""
    if not given:
        return None
    text = str(given).replace(" ", "").replace("-", "")
    if text.isdigit() and len(text) == 11:
        text = f"+86{text}"
    if not (text.startswith("+") and text[1:].isdigit() and text.isascii() and 8 <= len(text) <= 16):
        raise UserInvalid("phone must be a number like +8613800000001")
    return text


def _refuse_unknown(given: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise UserInvalid(f"unknown field: {', '.join(unknown)}")


def _unionid(world: World, given: object) -> str | None:
    if given is True:
        return f"oU{world.random.text(26)}"
    return str(given) if given else None


def _risk_rank(given: object) -> int:
    if not isinstance(given, int) or not 0 <= given <= 4:
        raise UserInvalid("risk_rank must be an integer from 0 to 4")
    return given


def _appids(world: World, query: str, user_id: int) -> list[str]:
    return [row["appid"] for row in world.store.rows(query, user_id)]


def _set_blocks(world: World, user_id: int, appids: object) -> None:
    if not isinstance(appids, list) or any(world.account(str(one)) is None for one in appids):
        raise UserInvalid("blocks must be a list of appids")
    world.store.run("DELETE FROM blocks WHERE user_id = ?", user_id)
    for appid in set(appids):
        world.store.run("INSERT INTO blocks VALUES (?, ?)", appid, user_id)
