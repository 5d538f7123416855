"""Menus (自定义菜单): one default and any number of personalised ones, which can be made and deleted, not changed."""

import json
import sqlite3
from typing import Any

from sandbox import menus, users
from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError
from sandbox.menu_rules import check_buttons, domains

DEAD_CONDITIONS = {"sex", "country", "province", "city", "language"}
CONDITIONS = {"tag_id", "client_platform_type"}
MOST_OUTSIDE_DOMAINS = 3


@endpoint("/cgi-bin/menu/create", kind="oa", day=1000)
def create(call: Call) -> Answer:
    """Replaces the default menu."""
    buttons = check_buttons(call.world, call.account, call.body.get("button"))
    call.world.store.run("DELETE FROM menus WHERE appid = ? AND matchrule IS NULL", call.account.appid)
    _insert(call, buttons, None)
    return OK


@endpoint("/cgi-bin/menu/get", method="GET", kind="oa", day=10_000)
def get(call: Call) -> Answer:
    """All menus made through the API."""
    default = _default(call)
    if default is None:
        raise ApiError(46003)
    told: dict[str, Any] = {"menu": {"button": json.loads(default["buttons"])}}
    conditional = _conditional(call)
    if conditional:
        told["menu"]["menuid"] = default["id"]
        told["conditionalmenu"] = [
            {"button": json.loads(row["buttons"]), "matchrule": json.loads(row["matchrule"]), "menuid": row["id"]}
            for row in conditional
        ]
    return told


@endpoint("/cgi-bin/menu/delete", method="GET", kind="oa", day=1000)
def delete(call: Call) -> Answer:
    """Deletes the default menu and every personalised one."""
    call.world.store.run("DELETE FROM menus WHERE appid = ?", call.account.appid)
    return OK


@endpoint("/cgi-bin/get_current_selfmenu_info", method="GET", kind="oa")
def current(call: Call) -> Answer:
    """The default menu in the console's shape, with ``sub_button.list``."""
    default = _default(call)
    if default is None:
        return {"is_menu_open": 0, "selfmenu_info": {}}
    buttons = [
        {"name": one["name"], "sub_button": {"list": one["sub_button"]}} if one.get("sub_button") else one
        for one in json.loads(default["buttons"])
    ]
    return {"is_menu_open": 1, "selfmenu_info": {"button": buttons}}


@endpoint("/cgi-bin/menu/addconditional", kind="oa", day=2000)
def add_conditional(call: Call) -> Answer:
    """Adds a personalised menu; the newest that matches wins."""
    if _default(call) is None:
        raise ApiError(65303)
    rule = _rule(call)
    buttons = check_buttons(call.world, call.account, call.body.get("button"))
    _check_domains(call, buttons)
    return {"menuid": str(_insert(call, buttons, rule))}


@endpoint("/cgi-bin/menu/delconditional", kind="oa", day=2000)
def delete_conditional(call: Call) -> Answer:
    """Deletes one personalised menu."""
    if not call.world.store.changed(
        "DELETE FROM menus WHERE appid = ? AND id = ? AND matchrule IS NOT NULL",
        call.account.appid, str(call.body.get("menuid")),
    ):  # fmt: skip
        raise ApiError(65301)
    return OK


@endpoint("/cgi-bin/menu/trymatch", kind="oa", day=20_000)
def try_match(call: Call) -> Answer:
    """The menu one person sees."""
    user_id = users.of_openid(call.world, appid=call.account.appid, openid=str(call.body.get("user_id")))
    if user_id is None:
        raise ApiError(65302)
    found = menus.seen_by(call.world, appid=call.account.appid, user_id=user_id)
    if found is None:
        raise ApiError(46003)
    return {"button": found[1]}


def _rule(call: Call) -> dict[str, Any]:
    given = call.body.get("matchrule")
    rule = {name: value for name, value in given.items() if value not in ("", None)} if isinstance(given, dict) else {}
    if DEAD_CONDITIONS & set(rule):
        raise ApiError(65320)
    if not CONDITIONS & set(rule):
        raise ApiError(65304)
    tag = rule.get("tag_id")
    if (
        tag is not None
        and call.world.store.row("SELECT 1 FROM tags WHERE appid = ? AND id = ?", call.account.appid, str(tag)) is None
    ):
        raise ApiError(45159)
    return rule


def _check_domains(call: Call, buttons: list[dict[str, Any]]) -> None:
    """All personalised menus together may lead to three hosts outside the account's own domains."""
    found = domains(buttons).union(*(domains(json.loads(row["buttons"])) for row in _conditional(call)))
    if len(found - set(call.account.oauth_domains) - set(call.account.js_domains)) > MOST_OUTSIDE_DOMAINS:
        raise ApiError(65316)


def _default(call: Call) -> sqlite3.Row | None:
    return call.world.store.row("SELECT * FROM menus WHERE appid = ? AND matchrule IS NULL", call.account.appid)


def _conditional(call: Call) -> list[sqlite3.Row]:
    return call.world.store.rows(
        "SELECT * FROM menus WHERE appid = ? AND matchrule IS NOT NULL ORDER BY id DESC", call.account.appid
    )


def _insert(call: Call, buttons: list[dict[str, Any]], rule: dict[str, Any] | None) -> int:
    return call.world.store.run(
        "INSERT INTO menus (appid, buttons, matchrule) VALUES (?, ?, ?)",
        call.account.appid, json.dumps(buttons), None if rule is None else json.dumps(rule),
    )  # fmt: skip
