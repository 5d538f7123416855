"""Texts: the facts of a notice as members read them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.notices.rules.errors import InvalidChannels, InvalidNoticeFacts, UnknownNoticeKind
from loyalty.notices.rules.kinds import KINDS, Channel, FactType, NoticeKind


def kind_of(name: str) -> NoticeKind:
    """Return the kind with this name.

    Raises:
        UnknownNoticeKind: there is none.
    """
    try:
        return NoticeKind(name)
    except ValueError as error:
        raise UnknownNoticeKind(kind=name) from error


def checked_channels(names: Sequence[str]) -> tuple[Channel, ...]:
    """Return an order of channels as it may be saved.

    Raises:
        InvalidChannels: empty, with a repetition or a stranger, or not ending with the inbox.
    """
    try:
        channels = tuple(Channel(name) for name in names)
    except ValueError as error:
        raise InvalidChannels(channels=list(names)) from error
    if not channels or len(set(channels)) != len(channels) or channels[-1] is not Channel.INBOX:
        raise InvalidChannels(channels=list(names))
    return channels


def checked_facts(kind: NoticeKind, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts when they are exactly those the kind declares.

    Raises:
        InvalidNoticeFacts: one is missing, unknown, or of another type.
    """
    declared = KINDS[kind].facts
    if set(facts) != set(declared):
        raise InvalidNoticeFacts(expected=sorted(declared), given=sorted(facts))
    display(kind, facts, zone=ZoneInfo("UTC"))
    return dict(facts)


def display(kind: NoticeKind, facts: Mapping[str, Any], *, zone: ZoneInfo) -> dict[str, str]:
    """Return the facts of a notice as members read them.

    Raises:
        InvalidNoticeFacts: a value is not of its declared type.
    """
    try:
        return {name: _shown(facts[name], type_, zone) for name, type_ in KINDS[kind].facts.items()}
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidNoticeFacts(kind=kind.value) from error


def _shown(value: Any, fact_type: FactType, zone: ZoneInfo) -> str:
    if fact_type is FactType.INSTANT:
        local = datetime.fromisoformat(value).astimezone(zone)
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    if fact_type is FactType.DAY:
        day = date.fromisoformat(value)
        return f"{day.year}年{day.month}月{day.day}日"
    if fact_type is FactType.MONEY:
        return f"¥{int(value) // 100}.{int(value) % 100:02d}"  # templates refuse an amount with thousands set apart
    if fact_type is FactType.POINTS:
        return str(int(value))
    return str(value)


def inbox_text(kind: NoticeKind, facts: Mapping[str, Any], *, zone: ZoneInfo) -> tuple[str, str]:
    """Return the title and the text of a notice's inbox message (站内消息).

    Raises:
        InvalidNoticeFacts: a value is not of its declared type.
    """
    shown = display(kind, facts, zone=zone)
    if "points" in shown and not shown["points"].startswith("-"):
        shown["points"] = "+" + shown["points"]
    return KINDS[kind].title, KINDS[kind].text.format_map(shown)
