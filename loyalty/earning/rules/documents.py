"""Definitions as JSON documents, as they are stored and sent: only what differs from the empty rule is written.

Reading is strict: a key that is unknown or a value of another type is refused by name, never passed over.
"""

from dataclasses import fields
from typing import Any

from loyalty.channels.rules.inducement import check_not_induced
from loyalty.earning.rules.definition import (
    BirthdayMatch,
    Budgets,
    Caps,
    Conditions,
    Definition,
    Fixed,
    Multiple,
    PerAmount,
    Reward,
    Rounding,
    Stacking,
)
from loyalty.earning.rules.errors import InvalidEarningRule
from loyalty.earning.rules.facts import EarningEvent
from loyalty.kernel.documents import (
    Kinds,
    Reader,
    Unreadable,
    changed,
    choice,
    day,
    flag,
    kind,
    list_of,
    mapping,
    or_none,
    pair,
    parts,
    plain,
    set_of,
    text,
    whole,
)
from loyalty.kernel.local_time import Hours
from loyalty.points.rules.expiry import policy_of

_ROUNDING = {"rounding": choice(Rounding)}
_KINDS: Kinds = {
    "per_amount": (PerAmount, {"value": whole, "each_fen": whole, **_ROUNDING}, frozenset(_ROUNDING)),
    "fixed": (Fixed, {"value": whole}, frozenset()),
    "multiple": (Multiple, {"basis_points": whole, **_ROUNDING}, frozenset(_ROUNDING)),
}
_KIND_OF = {made: name for name, (made, *_) in _KINDS.items()}


def to_json(definition: Definition) -> dict[str, Any]:
    """Return a definition as it is stored."""
    written: dict[str, Any] = {
        "event": definition.event.value,
        "points": _reward_to_json(definition.points),
        "growth": _reward_to_json(definition.growth),
        "coupon_template_id": definition.coupon_template_id,
        "conditions": changed(definition.conditions, _written),
        "stacking": changed(definition.stacking, _written),
        "caps": changed(definition.caps, _written),
        "budgets": changed(definition.budgets, _written),
        "pending_days": definition.pending_days,
        "expiry": definition.expiry.to_json() if definition.expiry else None,
    }
    return {name: part for name, part in written.items() if part}


def from_json(document: object) -> Definition:
    """Read a definition; whether it makes sense is ``check_definition``'s to say.

    Raises:
        ValueForFollowingOrSharing: its event is one that WeChat forbids to pay for.
        InvalidEarningRule: a key is unknown, or a value has another type.
        InvalidExpiryPolicy: the expiry policy says nothing that could be reckoned.
    """
    try:
        return _read(document)
    except Unreadable as error:
        raise InvalidEarningRule([error.problem]) from error


def _read(document: object) -> Definition:
    given = mapping("definition", document, {field.name for field in fields(Definition)})
    event = given.get("event")
    if isinstance(event, str):
        check_not_induced([event])
    return Definition(
        event=choice(EarningEvent)("event", event),
        points=_REWARD("points", given.get("points")),
        growth=_REWARD("growth", given.get("growth")),
        coupon_template_id=or_none(whole)("coupon_template_id", given.get("coupon_template_id")),
        conditions=Conditions(**parts("conditions", given.get("conditions", {}), _CONDITIONS)),
        stacking=Stacking(**parts("stacking", given.get("stacking", {}), _STACKING)),
        caps=Caps(**parts("caps", given.get("caps", {}), {field.name: whole for field in fields(Caps)})),
        budgets=Budgets(**parts("budgets", given.get("budgets", {}), {field.name: whole for field in fields(Budgets)})),
        pending_days=whole("pending_days", given.get("pending_days", 0)),
        expiry=policy_of(given["expiry"]) if given.get("expiry") else None,
    )


def _reward_to_json(reward: Reward | None) -> dict[str, Any] | None:
    if reward is None:
        return None
    return {"kind": _KIND_OF[type(reward)]} | {field.name: getattr(reward, field.name) for field in fields(reward)}


def _written(value: Any) -> Any:
    return [value.from_minute, value.until_minute] if isinstance(value, Hours) else plain(value, _written)


_CONDITIONS: dict[str, Reader] = {
    "included_nodes": set_of(whole),
    "excluded_nodes": set_of(whole),
    "tier_levels": set_of(whole),
    "tags": set_of(whole),
    "is_first_purchase": flag,
    "minimum_amount_fen": whole,
    "minimum_quantity": whole,
    "skus": set_of(text),
    "categories": set_of(text),
    "excluded_skus": set_of(text),
    "excluded_categories": set_of(text),
    "channels": set_of(text),
    "weekdays": set_of(whole),
    "hours": list_of(pair(Hours, "[600, 720]")),
    "first_on": day,
    "last_on": day,
    "month_days": set_of(whole),
    "birthday": choice(BirthdayMatch),
    "custom_kind": text,
}
_REWARD = or_none(lambda name, value: kind(name, value, _KINDS))
_STACKING: dict[str, Reader] = {"group": text, "priority": whole}
