"""Terms as JSON documents, as they are stored: only what differs from the empty mission is written.

Reading is strict: a key that is unknown or a value of another type is refused by name, never passed over.
"""

from dataclasses import fields
from typing import Any

from loyalty.channels.rules.inducement import check_not_induced
from loyalty.kernel.documents import (
    Kinds,
    Reader,
    Unreadable,
    changed,
    choice,
    flag,
    instant,
    kind,
    list_of,
    or_none,
    parts,
    plain,
    set_of,
    text,
    whole,
)
from loyalty.missions.rules.errors import InvalidMission
from loyalty.missions.rules.terms import (
    CardsReward,
    CouponReward,
    Limits,
    Measure,
    MissionEvent,
    Period,
    PointsReward,
    Reward,
    Step,
    Terms,
)

_NONE: frozenset[str] = frozenset()
_REWARDS: Kinds = {
    "points": (PointsReward, {"points": whole}, _NONE),
    "coupon": (CouponReward, {"template_id": whole}, _NONE),
    "cards": (CardsReward, {"cards": whole}, _NONE),
}
_KIND_OF = {made: name for name, (made, *_) in _REWARDS.items()}


def to_json(terms: Terms) -> dict[str, Any]:
    """Return terms as they are stored."""
    return changed(terms, _written)


def from_json(document: object) -> Terms:
    """Read terms; whether they make sense is ``check_terms``'s to say.

    Raises:
        ValueForFollowingOrSharing: the event is one that WeChat forbids to pay for.
        InvalidMission: a key is unknown or missing, or a value has another type.
    """
    event = document.get("event") if isinstance(document, dict) else None
    if isinstance(event, str):
        check_not_induced([event])
    try:
        given = parts("terms", document, _TERMS, ("title", "event", "steps"))
    except Unreadable as error:
        raise InvalidMission([error.problem]) from error
    return Terms(**given)


def reward_to_json(reward: Reward) -> dict[str, Any]:
    """Return a reward with its kind."""
    return {"kind": _KIND_OF[type(reward)]} | {field.name: getattr(reward, field.name) for field in fields(reward)}


def reward_from_json(document: object) -> Reward:
    """Read a reward as it was kept."""
    read: Reward = kind("reward", document, _REWARDS)
    return read


def _written(value: Any) -> Any:
    if isinstance(value, Step):
        return {"target": value.target, "reward": reward_to_json(value.reward)}
    return plain(value, _written)


def _step(name: str, value: object) -> Step:
    return Step(**parts(name, value, _STEP, needed=_STEP))


def _limits(name: str, value: object) -> Limits:
    return Limits(**parts(name, value, {field.name: or_none(whole) for field in fields(Limits)}))


_STEP: dict[str, Reader] = {"target": whole, "reward": lambda name, value: kind(name, value, _REWARDS)}
_TERMS: dict[str, Reader] = {
    "title": text,
    "event": choice(MissionEvent),
    "steps": list_of(_step),
    "description": text,
    "custom_kind": or_none(text),
    "measure": choice(Measure),
    "period": choice(Period),
    "minimum_amount_fen": whole,
    "tier_levels": set_of(whole),
    "is_claimed_by_hand": flag,
    "starts_at": or_none(instant),
    "ends_at": or_none(instant),
    "limits": _limits,
}
