"""Menus (自定义菜单) as people see and tap them: the newest personalised menu that matches, else the default one."""

import json
from typing import Any

from sandbox import users, windows
from sandbox.config import Account
from sandbox.follows import ActRefused, is_follower, official_account
from sandbox.push import Push, event
from sandbox.world import World

PLATFORM = "2"
"""The simulated phones are Android ones (``client_platform_type`` 2)."""

SHOWN = ("url", "key", "appid", "pagepath", "media_id", "article_id")
Buttons = list[dict[str, Any]]


def seen_by(world: World, *, appid: str, user_id: int) -> tuple[int, Buttons] | None:
    """The id and buttons of the menu this person sees, or None when the account has no menu."""
    tags = {
        str(row["tag_id"])
        for row in world.store.rows("SELECT tag_id FROM tag_members WHERE appid = ? AND user_id = ?", appid, user_id)
    }
    for row in world.store.rows("SELECT * FROM menus WHERE appid = ? ORDER BY matchrule IS NULL, id DESC", appid):
        if row["matchrule"] is None or _fits(json.loads(row["matchrule"]), tags):
            return row["id"], json.loads(row["buttons"])
    return None


def tap(world: World, *, user_id: int, appid: str, index: list[int]) -> tuple[dict[str, Any], Push | None]:
    """The person taps an entry: what the phone does, and the push that goes out. Raises ActRefused, UserNotFound."""
    account = official_account(world, appid)
    user = users.get(world, user_id)
    if not is_follower(world, appid=appid, user_id=user_id):
        raise ActRefused("only followers see the menu")
    found = seen_by(world, appid=appid, user_id=user_id)
    if found is None:
        raise ActRefused("the account has no menu")
    menu_id, button = found[0], _button(found[1], index)
    action: dict[str, Any] = {name: button[name] for name in SHOWN if name in button}
    push = _push(world, account, user["openids"][appid], menu_id, button)
    if button["type"] == "click":
        windows.opened(world, appid=appid, user_id=user_id, act="menu")
    return {"action": button["type"], **action}, push


def _push(world: World, account: Account, openid: str, menu_id: int, button: dict[str, Any]) -> Push | None:
    match button["type"]:
        case "click":
            return event(
                world,
                account=account,
                openid=openid,
                name="CLICK",
                extra={"EventKey": button["key"]},
                is_conversation=True,
            )
        case "view":
            extra = {"EventKey": button["url"], "MenuId": menu_id}
            return event(world, account=account, openid=openid, name="VIEW", extra=extra)
        case "miniprogram":
            extra = {"EventKey": button["pagepath"], "MenuId": menu_id}
            return event(world, account=account, openid=openid, name="view_miniprogram", extra=extra)
        case _:
            return None


def _button(buttons: Buttons, index: list[int]) -> dict[str, Any]:
    found: dict[str, Any] = {"sub_button": buttons}
    for place in index:
        entries = found.get("sub_button") or []
        if not 0 <= place < len(entries):
            raise ActRefused("the menu has no such entry")
        found = entries[place]
    if not found.get("type") or found.get("sub_button"):
        raise ActRefused("this entry only opens a submenu")
    return found


def _fits(rule: dict[str, Any], tags: set[str]) -> bool:
    """Whether all conditions of a personalised menu hold; empty ones do not count."""
    tag, platform = str(rule.get("tag_id") or ""), str(rule.get("client_platform_type") or "")
    return tag in {"", *tags} and platform in ("", PLATFORM)
