"""What a menu must look like: 1 to 3 buttons, 1 to 5 below each, lengths in UTF-8 bytes, addresses with a scheme."""

from typing import Any

from sandbox.addresses import web_host
from sandbox.config import Account
from sandbox.errors import ApiError
from sandbox.world import World

KEYED = {
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
}
NEEDED = {
    "media_id": "media_id",
    "view_limited": "media_id",
    "article_id": "article_id",
    "article_view_limited": "article_id",
}
TOP = {"count": 40016, "type": 40017, "name": 40018, "key": 40019, "url": 40020, "domain": 40055}
SUB = {"count": 40023, "type": 40024, "name": 40025, "key": 40026, "url": 40027, "domain": 40054}
"""The errcodes of the same mistake at the two levels."""


def check_buttons(world: World, account: Account, buttons: Any) -> list[dict[str, Any]]:
    """The checked buttons. Raises ApiError with the code of the first mistake."""
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise ApiError(40016)
    for button in buttons:
        _check_top(world, account, button)
    return buttons


def _check_top(world: World, account: Account, button: Any) -> None:
    if not isinstance(button, dict):
        raise ApiError(40017)
    _check_text(button.get("name"), most=16, errcode=TOP["name"])
    below = button.get("sub_button")
    if not below:
        _check_action(world, account, button, TOP)
        return
    if not isinstance(below, list) or len(below) > 5:
        raise ApiError(40023)
    for entry in below:
        if not isinstance(entry, dict):
            raise ApiError(40024)
        if entry.get("sub_button"):
            raise ApiError(40022)
        _check_text(entry.get("name"), most=60, errcode=SUB["name"])
        _check_action(world, account, entry, SUB)


def _check_action(world: World, account: Account, button: dict[str, Any], codes: dict[str, int]) -> None:
    kind = button.get("type")
    if kind in KEYED:
        _check_text(button.get("key"), most=128, errcode=codes["key"])
    elif kind == "view":
        _check_url(button.get("url"), codes)
    elif kind == "miniprogram":
        _check_url(button.get("url"), codes)
        _check_mini_program(world, account, button)
    elif isinstance(kind, str) and kind in NEEDED:
        _check_text(button.get(NEEDED[kind]), most=1024, errcode=codes["key"])
    else:
        raise ApiError(codes["type"])


def _check_mini_program(world: World, account: Account, button: dict[str, Any]) -> None:
    """The mini program must be linked to the account and, if it is one of ours, have the page."""
    appid = button.get("appid")
    if appid not in account.linked_mps:
        raise ApiError(45064)
    path = button.get("pagepath")
    known = world.account(str(appid))
    if not isinstance(path, str) or (known is not None and path.split("?")[0] not in known.pages):
        raise ApiError(40165)


def _check_text(value: Any, *, most: int, errcode: int) -> None:
    if not isinstance(value, str) or not 0 < len(value.encode()) <= most:
        raise ApiError(errcode)


def _check_url(value: Any, codes: dict[str, int]) -> None:
    _check_text(value, most=1024, errcode=codes["url"])
    if not web_host(value):
        raise ApiError(codes["domain"])


def domains(buttons: list[dict[str, Any]]) -> set[str]:
    """The hosts a menu leads to."""
    entries = [entry for button in buttons for entry in (button.get("sub_button") or [button])]
    return {web_host(entry["url"]) or "" for entry in entries if entry.get("url")}
