"""What a push (消息推送) says: its fields in our words, and what makes two of them the same.

Field and event names follow the platform; events are lower-cased, since it writes them both ways.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loyalty.kernel.errors import InvalidInput

Fields = Mapping[str, Any]

EVENT = "event"
"""The kind of a push that is no message of the person's."""
EVENT_TEMPLATE_SENT = "templatesendjobfinish"
EVENT_SUBSCRIPTION_ANSWERED = "subscribe_msg_popup_event"
EVENT_SUBSCRIPTION_CHANGED = "subscribe_msg_change_event"
EVENT_SUBSCRIPTION_SENT = "subscribe_msg_sent_event"
_LISTS = {
    EVENT_SUBSCRIPTION_ANSWERED: "SubscribeMsgPopupEvent",
    EVENT_SUBSCRIPTION_CHANGED: "SubscribeMsgChangeEvent",
    EVENT_SUBSCRIPTION_SENT: "SubscribeMsgSentEvent",
}
_QR_PREFIX = "qrscene_"
_LIST_MAX = 64
_EPOCH = re.compile(r"[0-9]{1,12}")


class PushIncomplete(InvalidInput):
    """The push lacks sender, time or type."""

    code = "push_incomplete"
    message = "推送内容不完整"


@dataclass(frozen=True, slots=True)
class SubscriptionItem:
    """One line of a ``subscribe_msg_*`` event; what the event does not tell is empty."""

    template_id: str
    answer: str = ""
    """``accept`` or ``reject``."""
    popup_scene: str = ""
    message_id: str = ""
    error_code: str = ""
    error_status: str = ""


@dataclass(frozen=True, slots=True)
class PushContent:
    """A push in our words."""

    openid: str
    created_at_epoch: int
    kind: str
    """``event``, ``text``, ``image`` …"""
    event: str = ""
    event_key: str = ""
    """Of a menu click, or our scene string; the ``qrscene_`` before it is cut off."""
    message_id: str = ""
    """Of the person's message, or of the template message that an event reports on."""
    status: str = ""
    """Of TEMPLATESENDJOBFINISH: ``success``, ``failed:user block`` …"""
    text: str = ""
    subscriptions: tuple[SubscriptionItem, ...] = ()


def read_push(fields: Fields) -> PushContent:
    """Read the fields of a push.

    Raises:
        PushIncomplete: see the class.
    """
    kind = _text(fields, "MsgType")
    openid, created = _text(fields, "FromUserName"), _text(fields, "CreateTime")
    if not (kind and openid and _EPOCH.fullmatch(created)):
        raise PushIncomplete
    event = _text(fields, "Event").lower()
    return PushContent(
        openid=openid,
        created_at_epoch=int(created),
        kind=kind,
        event=event,
        event_key=_text(fields, "EventKey").removeprefix(_QR_PREFIX),
        message_id=_text(fields, "MsgId") or _text(fields, "MsgID"),
        status=_text(fields, "Status"),
        text=_text(fields, "Content"),
        subscriptions=_subscriptions(event, fields),
    )


def dedup_key(fields: Fields) -> str:
    """Return what is the same in every try of one push, and different in any other push.

    Messages have a ``MsgId``. Events are told apart by sender, second, name and key, and by the
    message or list they report on, of which there may be several in one second.
    """
    content = read_push(fields)
    if content.kind != "event" and content.message_id:
        return f"message:{content.message_id}"
    parts = [
        content.openid,
        content.created_at_epoch,
        content.kind,
        content.event,
        _text(fields, "EventKey"),
        content.message_id,
        _list_of(content.event, fields),
    ]
    return "event:" + json.dumps(parts, ensure_ascii=False, sort_keys=True)


def _subscriptions(event: str, fields: Fields) -> tuple[SubscriptionItem, ...]:
    return tuple(
        SubscriptionItem(
            template_id=_text(row, "TemplateId"),
            answer=_text(row, "SubscribeStatusString"),
            popup_scene=_text(row, "PopupScene"),
            message_id=_text(row, "MsgID") or _text(row, "MsgId"),
            error_code=_text(row, "ErrorCode"),
            error_status=_text(row, "ErrorStatus"),
        )
        for row in _list_of(event, fields)[:_LIST_MAX]
    )


def _list_of(event: str, fields: Fields) -> Sequence[Fields]:
    """Return the list of an event: under a wrapper in XML, at the top in JSON, alone without a list."""
    wrapper = fields.get(_LISTS.get(event, ""))
    rows = wrapper.get("List") if isinstance(wrapper, Mapping) else fields.get("List")
    if isinstance(rows, Mapping):
        rows = [rows]
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
