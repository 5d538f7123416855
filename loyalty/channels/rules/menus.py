"""Menus (自定义菜单): what WeChat accepts, checked before it is asked.

Limits: 3 buttons, 5 below each, names of 16 and 60 bytes, keys of 128 bytes, addresses of 1024.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.texts import is_storable

Button = Mapping[str, Any]

BUTTONS_MAX, SUB_BUTTONS_MAX = 3, 5
NAME_BYTES_MAX, SUB_NAME_BYTES_MAX = 16, 60
KEY_BYTES_MAX, URL_BYTES_MAX = 128, 1024
_WITH_KEY = (
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
)
FIELDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_WITH_KEY, ("key",)),
    "view": ("url",),
    "miniprogram": ("appid", "pagepath", "url"),
    "media_id": ("media_id",),
    "view_limited": ("media_id",),
    "article_id": ("article_id",),
    "article_view_limited": ("article_id",),
}
"""Types of buttons and the fields each must have."""


class MenuInvalid(InvalidInput):
    """WeChat would refuse the menu; ``details["problems"]`` names each problem in Chinese."""

    code = "menu_invalid"
    message = "菜单设置不正确"


def check_menu(buttons: Sequence[Button]) -> None:
    """Make sure that WeChat will take a menu.

    Raises:
        MenuInvalid: see the class.
    """
    problems = list(_problems_of(buttons))
    if problems:
        raise MenuInvalid(problems=problems)


def click_keys(buttons: Sequence[Button]) -> list[str]:
    """Return the keys of all click buttons, each of which needs a reply."""
    everything = [*buttons, *(sub for button in buttons for sub in button.get("sub_button") or ())]
    return [str(button["key"]) for button in everything if button.get("type") == "click"]


def _problems_of(buttons: Any) -> Iterator[str]:
    if not is_storable(list(buttons)):
        yield "含有无法保存的字符"
        return
    if not _are_buttons(buttons) or not 1 <= len(buttons) <= BUTTONS_MAX:
        yield f"一级菜单应为 1 至 {BUTTONS_MAX} 个按钮"
        return
    for number, button in enumerate(buttons, start=1):
        where = f"第 {number} 个菜单"
        yield from _name_problems(where, button, NAME_BYTES_MAX, "4 个汉字")
        below = button.get("sub_button") or []
        if not below:
            yield from _action_problems(where, button)
        elif not _are_buttons(below) or len(below) > SUB_BUTTONS_MAX:
            yield f"{where}：子菜单最多 {SUB_BUTTONS_MAX} 个"
        else:
            yield from _sub_problems(where, button, below)


def _sub_problems(where: str, button: Button, below: Sequence[Button]) -> Iterator[str]:
    if button.get("type"):
        yield f"{where}：有子菜单时不能再设置动作"
    for number, sub in enumerate(below, start=1):
        there = f"{where}的第 {number} 个子菜单"
        yield from _name_problems(there, sub, SUB_NAME_BYTES_MAX, "20 个汉字")
        if sub.get("sub_button"):
            yield f"{there}：不能再有下级菜单"
        yield from _action_problems(there, sub)


def _name_problems(where: str, button: Button, bytes_max: int, said: str) -> Iterator[str]:
    name = button.get("name")
    if not isinstance(name, str) or not name.strip():
        yield f"{where}：名称不能为空"
    elif len(name.encode()) > bytes_max:
        yield f"{where}：名称过长，最多约{said}（{bytes_max} 字节）"


def _action_problems(where: str, button: Button) -> Iterator[str]:
    fields = FIELDS.get(str(button.get("type")))
    if fields is None:
        yield f"{where}：请选择按钮的动作"
        return
    for field in fields:
        value = button.get(field)
        if not isinstance(value, str) or not value.strip():
            yield f"{where}：缺少 {field}"
        elif problem := _CHECKS.get(field, _accept)(value):
            yield f"{where}：{problem}"
    unknown = sorted(set(button) - {"name", "type", "sub_button", *fields})
    if unknown:
        yield f"{where}：多余的内容 {'、'.join(unknown)}"


def _are_buttons(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value)


def _accept(_value: str) -> str:
    return ""


def _key_problem(key: str) -> str:
    return "" if len(key.encode()) <= KEY_BYTES_MAX else f"KEY 过长，最多 {KEY_BYTES_MAX} 字节"


def _url_problem(url: str) -> str:
    if len(url.encode()) > URL_BYTES_MAX:
        return f"链接过长，最多 {URL_BYTES_MAX} 字节"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "链接不正确"
    return "" if parts.scheme in ("http", "https") and parts.netloc else "链接应以 https:// 开头"


_CHECKS: Mapping[str, Callable[[str], str]] = {"key": _key_problem, "url": _url_problem}
