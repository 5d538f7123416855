"""Terms as JSON documents, as revisions hold them: only what differs from the empty campaign is written.

Reading is strict: a key that is unknown or a value of another type is refused by name, never passed over. What was
dumped reads back as the same terms.
"""

import re
from dataclasses import fields
from datetime import datetime, time
from typing import Any

from loyalty.campaigns.rules.errors import InvalidCampaign
from loyalty.campaigns.rules.terms import (
    At,
    BeforeExpiry,
    Birthday,
    CampaignEvent,
    Caps,
    GiveCoupon,
    GivePoints,
    Now,
    OnEvent,
    PutTag,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Terms,
    Trigger,
    Visit,
)
from loyalty.kernel import documents
from loyalty.kernel.documents import (
    Kinds,
    Problem,
    Reader,
    Unreadable,
    changed,
    choice,
    kind,
    list_of,
    or_none,
    parts,
    plain,
    set_of,
    text,
    whole,
)
from loyalty.segments.rules import conditions
from loyalty.segments.rules.errors import InvalidSegment

_ROOT = "terms"
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_FIRST_YEAR, _YEAR_MAX = 2000, 2200
"""Instants beyond them would leave the calendar when they change their zone."""


def parse(document: object) -> Terms:
    """Read terms; whether they make sense is ``check_terms``'s to say.

    Raises:
        InvalidCampaign: with the place in the document and the reason, in Chinese.
    """
    try:
        given = parts(_ROOT, document, _TERMS, ("title", "audience", "trigger", "actions"))
    except Unreadable as error:
        raise InvalidCampaign([_shortened(error.problem)]) from error
    return Terms(**given)


def dump(terms: Terms) -> dict[str, Any]:
    """Return the document of terms."""
    kept = changed(terms, _written)
    return kept | {
        "audience": conditions.dump(terms.audience),
        "trigger": _kind_and_fields(terms.trigger, _KIND_OF_TRIGGER),
        "actions": [_kind_and_fields(action, _KIND_OF_ACTION) for action in terms.actions],
    }


def kind_of(trigger: Trigger) -> str:
    """Return what a trigger is called in documents and in addresses of pages."""
    return _KIND_OF_TRIGGER[type(trigger)]


def _shortened(problem: Problem) -> Problem:
    """Say where without the name that all places begin with."""
    return Problem(problem.field.removeprefix(f"{_ROOT}."), problem.reason)


def _kind_and_fields(part: Any, kinds: dict[type[Any], str]) -> dict[str, Any]:
    """Return the fields without a default, and those that differ from it, with the kind."""
    name = kinds[type(part)]
    _made, readers, optional = {**_TRIGGERS, **_ACTIONS}[name]
    required = {key: _written(getattr(part, key)) for key in readers if key not in optional}
    return {"kind": name} | required | changed(part, _written)


def _written(value: Any) -> Any:
    return value.isoformat("minutes") if isinstance(value, time) else plain(value, _written)


def _audience(name: str, value: object) -> conditions.Condition:
    try:
        return conditions.parse(value)
    except InvalidSegment as error:
        raise Unreadable(f"{name}{error.path.removeprefix('condition')}", error.reason) from error


def _instant(name: str, value: object) -> datetime:
    read = documents.instant(name, value)
    if not _FIRST_YEAR <= read.year < _YEAR_MAX:
        raise Unreadable(name, f"须在 {_FIRST_YEAR}–{_YEAR_MAX - 1} 年之间")
    return read


def _time(name: str, value: object) -> time:
    if not _TIME.fullmatch(text(name, value)):
        raise Unreadable(name, "须为时刻，如 09:30")
    return time.fromisoformat(str(value))


def _caps(name: str, value: object) -> Caps:
    readers: dict[str, Reader] = {field.name: or_none(whole) for field in fields(Caps)}
    return Caps(**parts(name, value, readers | {"times_a_member": whole}))


_NONE: frozenset[str] = frozenset()
_TRIGGERS: Kinds = {
    "now": (Now, {}, _NONE),
    "at": (At, {"starts_at": _instant}, _NONE),
    "recurring": (
        Recurring,
        {"repetition": choice(Repetition), "at": _time, "days": set_of(whole)},
        frozenset({"days"}),
    ),
    "event": (OnEvent, {"event": choice(CampaignEvent), "delay_minutes": whole}, frozenset({"delay_minutes"})),
    "birthday": (Birthday, {"days_before": whole, "at": _time}, frozenset({"days_before", "at"})),
    "sleeping": (Sleeping, {"days": whole, "at": _time}, frozenset({"at"})),
    "before_expiry": (
        BeforeExpiry,
        {"days": whole, "points_least": whole, "at": _time},
        frozenset({"points_least", "at"}),
    ),
    "visit": (Visit, {}, _NONE),
}
_ACTIONS: Kinds = {
    "points": (GivePoints, {"points": whole, "valid_days": or_none(whole)}, frozenset({"valid_days"})),
    "coupon": (GiveCoupon, {"template_id": whole}, _NONE),
    "tag": (PutTag, {"tag_id": whole}, _NONE),
    "message": (
        SendMessage,
        {"title": text, "body": text, "channels": list_of(text), "page": or_none(text)},
        frozenset({"page"}),
    ),
}
_KIND_OF_TRIGGER = {made: name for name, (made, *_) in _TRIGGERS.items()}
_KIND_OF_ACTION = {made: name for name, (made, *_) in _ACTIONS.items()}
_TERMS: dict[str, Reader] = {
    "title": text,
    "audience": _audience,
    "trigger": lambda name, value: kind(name, value, _TRIGGERS),
    "actions": list_of(lambda name, value: kind(name, value, _ACTIONS)),
    "rules_text": text,
    "segment_id": or_none(whole),
    "store_ids": set_of(whole),
    "caps": _caps,
    "holdout_percent": whole,
    "starts_at": or_none(_instant),
    "ends_at": or_none(_instant),
}
