"""Following and unfollowing an Official Account (关注/取消关注), and scanning its parameter QR codes."""

import sqlite3
from typing import Any

from sandbox import users, windows
from sandbox.config import Account
from sandbox.push import Push, event
from sandbox.world import World

SCENE_QR = "ADD_SCENE_QR_CODE"
SCENE_SEARCH = "ADD_SCENE_SEARCH"


class ActRefused(Exception):
    """The person cannot do this now; the text says why."""


def official_account(world: World, appid: str) -> Account:
    """The Official Account of this appid. Raises ActRefused."""
    account = world.account(appid)
    if account is None or account.kind != "oa":
        raise ActRefused(f"no Official Account {appid}")
    return account


def is_follower(world: World, *, appid: str, user_id: int) -> bool:
    """Whether the person follows the account now."""
    return world.store.row("SELECT 1 FROM follows WHERE appid = ? AND user_id = ?", appid, user_id) is not None


def follow(world: World, *, user_id: int, appid: str, scene: str | None = None, ticket: str | None = None) -> Push:
    """The person follows, perhaps through a parameter QR code; returns the ``subscribe`` push to send.

    Raises ActRefused, UserNotFound.
    """
    account = official_account(world, appid)
    with world.store.transaction():
        user = users.get(world, user_id)
        if appid in user["follows"]:
            raise ActRefused("already follows this account")
        code = None if ticket is None else qr_code(world, ticket)
        if code is not None and code["appid"] != appid:
            raise ActRefused("the code belongs to another account")
        number, text = (0, "") if code is None else _scene(code)
        world.store.run(
            "INSERT INTO follows VALUES (?, ?, ?, ?, ?, ?)",
            appid, user_id, world.clock.now(), scene or (SCENE_QR if code else SCENE_SEARCH), number, text,
        )  # fmt: skip
        windows.opened(world, appid=appid, user_id=user_id, act="follow")
    extra: dict[str, Any] = {"EventKey": ""}
    if code is not None:
        extra = {"EventKey": f"qrscene_{code['scene']}", "Ticket": code["ticket"]}
    return event(
        world, account=account, openid=user["openids"][appid], name="subscribe", extra=extra, is_conversation=True
    )


def unfollow(world: World, *, user_id: int, appid: str) -> Push:
    """The person stops following; tags of the account fall off. Raises ActRefused, UserNotFound."""
    account = official_account(world, appid)
    with world.store.transaction():
        user = users.get(world, user_id)
        if appid not in user["follows"]:
            raise ActRefused("does not follow this account")
        world.store.run("DELETE FROM follows WHERE appid = ? AND user_id = ?", appid, user_id)
        world.store.run("DELETE FROM tag_members WHERE appid = ? AND user_id = ?", appid, user_id)
        world.store.run("DELETE FROM reply_windows WHERE appid = ? AND user_id = ?", appid, user_id)
    return event(world, account=account, openid=user["openids"][appid], name="unsubscribe", extra={"EventKey": ""})


def scan(world: World, *, user_id: int, ticket: str) -> Push:
    """The person scans a parameter QR code; one who does not follow yet follows through it.

    Raises ActRefused (unknown or expired code), UserNotFound.
    """
    code = qr_code(world, ticket)
    appid = code["appid"]
    user = users.get(world, user_id)
    if appid not in user["follows"]:
        return follow(world, user_id=user_id, appid=appid, ticket=ticket)
    windows.opened(world, appid=appid, user_id=user_id, act="scan")
    extra = {"EventKey": code["scene"], "Ticket": ticket}
    account = official_account(world, appid)
    return event(world, account=account, openid=user["openids"][appid], name="SCAN", extra=extra, is_conversation=True)


def qr_code(world: World, ticket: str) -> sqlite3.Row:
    """The stored parameter QR code of a live ticket. Raises ActRefused."""
    found = world.store.row("SELECT * FROM qr_tickets WHERE ticket = ?", ticket)
    if found is None:
        raise ActRefused("no such QR code")
    if found["expires_at"] is not None and found["expires_at"] <= world.clock.now():
        raise ActRefused("the QR code has expired")
    return found


def _scene(code: sqlite3.Row) -> tuple[int, str]:
    return (0, code["scene"]) if code["is_text"] else (int(code["scene"]), "")
