"""Definitions as JSON documents, as they are stored and sent: only what differs from the empty rule is written.

Reading is strict: a key that is unknown or a value of another type is refused by name, never passed over.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from enum import StrEnum
from typing import Any, cast

from loyalty.channels.rules.inducement import check_not_induced
from loyalty.earning.rules.definition import (
    BirthdayMatch,
    Budgets,
    Caps,
    Conditions,
    Definition,
    Fixed,
    Hours,
    Multiple,
    PerAmount,
    Reward,
    Rounding,
    Stacking,
)
from loyalty.earning.rules.errors import InvalidEarningRule, Problem
from loyalty.earning.rules.facts import EarningEvent
from loyalty.points.rules.expiry import policy_of

_KINDS: Mapping[str, type[Reward]] = {"per_amount": PerAmount, "fixed": Fixed, "multiple": Multiple}
_KIND_OF = {reward: kind for kind, reward in _KINDS.items()}


def to_json(definition: Definition) -> dict[str, Any]:
    """Return a definition as it is stored."""
    parts: dict[str, Any] = {
        "event": definition.event.value,
        "points": _reward_to_json(definition.points),
        "growth": _reward_to_json(definition.growth),
        "conditions": _changed(definition.conditions, Conditions()),
        "stacking": _changed(definition.stacking, Stacking()),
        "caps": _changed(definition.caps, Caps()),
        "budgets": _changed(definition.budgets, Budgets()),
        "pending_days": definition.pending_days,
        "expiry": definition.expiry.to_json() if definition.expiry else None,
    }
    return {name: part for name, part in parts.items() if part}


def from_json(document: object) -> Definition:
    """Read a definition; whether it makes sense is ``check_definition``'s to say.

    Raises:
        ValueForFollowingOrSharing: its event is one that WeChat forbids to pay for.
        InvalidEarningRule: a key is unknown, or a value has another type.
        InvalidExpiryPolicy: the expiry policy says nothing that could be reckoned.
    """
    given = _mapping("definition", document, {field.name for field in fields(Definition)})
    event = given.get("event")
    if isinstance(event, str):
        check_not_induced([event])
    return Definition(
        event=_choice(EarningEvent)("event", event),
        points=_reward("points", given.get("points")),
        growth=_reward("growth", given.get("growth")),
        conditions=Conditions(**_parts("conditions", given.get("conditions", {}), _CONDITIONS)),
        stacking=Stacking(**_parts("stacking", given.get("stacking", {}), _STACKING)),
        caps=Caps(**_parts("caps", given.get("caps", {}), {field.name: _whole for field in fields(Caps)})),
        budgets=Budgets(
            **_parts("budgets", given.get("budgets", {}), {field.name: _whole for field in fields(Budgets)})
        ),
        pending_days=_whole("pending_days", given.get("pending_days", 0)),
        expiry=policy_of(given["expiry"]) if given.get("expiry") else None,
    )


def _reward_to_json(reward: Reward | None) -> dict[str, Any] | None:
    if reward is None:
        return None
    return {"kind": _KIND_OF[type(reward)]} | {field.name: getattr(reward, field.name) for field in fields(reward)}


def _changed(part: Any, empty: Any) -> dict[str, Any]:
    return {
        field.name: _written(value)
        for field in fields(part)
        if (value := getattr(part, field.name)) != getattr(empty, field.name)
    }


def _written(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [[span.from_minute, span.until_minute] for span in value]
    return value.isoformat() if isinstance(value, date) else value


Reader = Callable[[str, object], Any]


def _wrong(name: str, reason: str) -> InvalidEarningRule:
    return InvalidEarningRule([Problem(name, reason)])


def _mapping(name: str, value: object, known: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(name, "须为对象")
    for key in value:
        if key not in known:
            raise _wrong(f"{name}.{key}", "没有这个字段")
    return value


def _parts(name: str, value: object, readers: Mapping[str, Reader]) -> dict[str, Any]:
    given = _mapping(name, value, set(readers))
    return {key: readers[key](f"{name}.{key}", part) for key, part in given.items()}


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, "须为整数")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "须为是或否")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "须为文字")
    return value


def _day(name: str, value: object) -> date:
    try:
        return date.fromisoformat(_text(name, value))
    except ValueError as error:
        raise _wrong(name, "须为日期，如 2026-03-10") from error


def _set_of(one: Reader) -> Reader:
    def read(name: str, value: object) -> frozenset[Any]:
        if not isinstance(value, list):
            raise _wrong(name, "须为列表")
        return frozenset(one(name, part) for part in value)

    return read


def _choice(choices: type[StrEnum]) -> Reader:
    def read(name: str, value: object) -> Any:
        if value not in list(choices):
            raise _wrong(name, f"须为以下之一：{'、'.join(choices)}")
        return choices(cast(str, value))

    return read


def _hours(name: str, value: object) -> tuple[Hours, ...]:
    if not isinstance(value, list) or any(not isinstance(span, list) or len(span) != 2 for span in value):
        raise _wrong(name, "须为时段列表，如 [[600, 720]]")
    return tuple(Hours(_whole(name, start), _whole(name, until)) for start, until in value)


def _reward(name: str, value: object) -> Reward | None:
    if value is None:
        return None
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _wrong(f"{name}.kind", f"须为以下之一：{'、'.join(_KINDS)}")
    reward = _KINDS[kind]
    known: dict[str, Reader] = {field.name: _whole for field in fields(reward)}
    if "rounding" in known:
        known["rounding"] = _choice(Rounding)
    parts = _parts(name, {key: part for key, part in cast(dict[str, Any], value).items() if key != "kind"}, known)
    missing = [key for key in known if key not in parts and key != "rounding"]
    if missing:
        raise _wrong(f"{name}.{missing[0]}", "不能为空")
    return reward(**parts)


_CONDITIONS: dict[str, Reader] = {
    "included_nodes": _set_of(_whole),
    "excluded_nodes": _set_of(_whole),
    "tier_levels": _set_of(_whole),
    "tags": _set_of(_text),
    "is_first_purchase": _flag,
    "minimum_amount_fen": _whole,
    "minimum_quantity": _whole,
    "skus": _set_of(_text),
    "categories": _set_of(_text),
    "excluded_skus": _set_of(_text),
    "excluded_categories": _set_of(_text),
    "channels": _set_of(_text),
    "weekdays": _set_of(_whole),
    "hours": _hours,
    "first_on": _day,
    "last_on": _day,
    "month_days": _set_of(_whole),
    "birthday": _choice(BirthdayMatch),
    "custom_kind": _text,
}
_STACKING: dict[str, Reader] = {"group": _text, "priority": _whole}
