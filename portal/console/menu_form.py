"""The menu as a form of fixed size and back: three buttons, five below each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loyalty.channels.rules.menus import BUTTONS_MAX, FIELDS, SUB_BUTTONS_MAX

TYPE_NAMES = {
    "view": "打开网页",
    "miniprogram": "打开小程序",
    "click": "回复消息（KEY）",
    "scancode_push": "扫码",
    "scancode_waitmsg": "扫码（等待提示）",
    "pic_sysphoto": "拍照",
    "pic_photo_or_album": "拍照或相册",
    "pic_weixin": "微信相册",
    "location_select": "发送位置",
    "media_id": "发送素材",
    "view_limited": "打开素材图文",
    "article_id": "发送已发布文章",
    "article_view_limited": "打开已发布文章",
}
_PARTS = ("name", "type", "value", "appid", "page")


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of the form: a button, or an empty place for one."""

    prefix: str
    name: str = ""
    type: str = ""
    value: str = ""
    appid: str = ""
    page: str = ""
    below: Sequence["Slot"] = field(default=())

    @property
    def is_empty(self) -> bool:
        """Whether nothing was filled in here."""
        return not any((self.name, self.type, self.value, self.appid, self.page))


def slots_of(buttons: Sequence[Mapping[str, Any]]) -> list[Slot]:
    """Return the form's places for a menu, the free ones included."""
    padded = [*buttons[:BUTTONS_MAX], *({} for _ in range(BUTTONS_MAX - len(buttons)))]
    return [_slot(f"b{number}", button) for number, button in enumerate(padded, start=1)]


def typed_slots(form: Mapping[str, str]) -> list[Slot]:
    """Return the form's places as somebody filled them in."""
    slots = []
    for number in range(1, BUTTONS_MAX + 1):
        prefix = f"b{number}"
        below = [_typed(form, f"{prefix}s{sub}") for sub in range(1, SUB_BUTTONS_MAX + 1)]
        slots.append(_typed(form, prefix, below))
    return slots


def buttons_of(slots: Sequence[Slot]) -> list[dict[str, Any]]:
    """Return the menu that a filled-in form stands for, as WeChat wants it; empty places vanish."""
    buttons = []
    for slot in slots:
        below = [_button(sub) for sub in slot.below if not sub.is_empty]
        if below:
            buttons.append({**_button(slot), "sub_button": below})
        elif not slot.is_empty:
            buttons.append(_button(slot))
    return buttons


def _button(slot: Slot) -> dict[str, Any]:
    button: dict[str, Any] = {"name": slot.name}
    if not slot.type:
        return button
    button["type"] = slot.type
    if slot.type == "miniprogram":
        return button | {"appid": slot.appid, "pagepath": slot.page, "url": slot.value}
    return button | {name: slot.value for name in FIELDS.get(slot.type, ())}


def _slot(prefix: str, button: Mapping[str, Any]) -> Slot:
    kind = str(button.get("type", ""))
    main = "url" if kind == "miniprogram" else next(iter(FIELDS.get(kind, ("",))))
    below: list[Slot] = []
    if "s" not in prefix:
        subs = list(button.get("sub_button") or ())[:SUB_BUTTONS_MAX]
        padded = [*subs, *({} for _ in range(SUB_BUTTONS_MAX - len(subs)))]
        below = [_slot(f"{prefix}s{number}", sub) for number, sub in enumerate(padded, start=1)]
    return Slot(
        prefix=prefix,
        name=str(button.get("name", "")),
        type=kind,
        value=str(button.get(main, "")),
        appid=str(button.get("appid", "")),
        page=str(button.get("pagepath", "")),
        below=below,
    )


def _typed(form: Mapping[str, str], prefix: str, below: Sequence[Slot] = ()) -> Slot:
    parts = {part: form.get(f"{prefix}_{part}", "").strip() for part in _PARTS}
    return Slot(prefix=prefix, below=below, **parts)
