"""Terms as JSON documents, as they are stored and sent: only what differs from the empty template is written.

Reading is strict: a key that is unknown or a value of another type is refused by name, never passed over.
"""

from collections.abc import Mapping
from typing import Any

from loyalty.coupons.rules.errors import InvalidCouponTerms
from loyalty.coupons.rules.terms import (
    BonusStep,
    CashOff,
    Claiming,
    DaysFromIssue,
    Eligibility,
    FixedDates,
    FixedPrice,
    Gift,
    MemberLimits,
    PercentOff,
    RefundPolicy,
    Scope,
    Stacking,
    Stock,
    Terms,
    Windows,
)
from loyalty.kernel.documents import (
    Kinds,
    Reader,
    Unreadable,
    changed,
    choice,
    day,
    flag,
    instant,
    kind,
    list_of,
    or_none,
    pair,
    parts,
    plain,
    set_of,
    text,
    whole,
)
from loyalty.kernel.local_time import Hours

_NONE: frozenset[str] = frozenset()
_WORTHS: Kinds = {
    "cash_off": (CashOff, {"amount_fen": whole}, _NONE),
    "percent_off": (PercentOff, {"percent": whole, "ceiling_fen": or_none(whole)}, frozenset({"ceiling_fen"})),
    "fixed_price": (FixedPrice, {"price_fen": whole}, _NONE),
    "gift": (Gift, {"name": text}, _NONE),
}
_VALIDITIES: Kinds = {
    "fixed_dates": (FixedDates, {"first_on": day, "last_on": day}, _NONE),
    "days_from_issue": (DaysFromIssue, {"days": whole, "delay_days": whole}, frozenset({"delay_days"})),
}
_KIND_OF: dict[type[Any], str] = {made: name for name, (made, *_) in (*_WORTHS.items(), *_VALIDITIES.items())}


def to_json(terms: Terms) -> dict[str, Any]:
    """Return terms as they are stored."""
    return changed(terms, _written)


def from_json(document: object) -> Terms:
    """Read terms; whether they make sense is ``check_terms``'s to say.

    Raises:
        InvalidCouponTerms: a key is unknown or missing, or a value has another type.
    """
    try:
        given = parts("terms", document, _TERMS, ("title", "worth", "validity"))
    except Unreadable as error:
        raise InvalidCouponTerms([error.problem]) from error
    return Terms(**given)


def _written(value: Any) -> Any:
    match value:
        case Hours():
            return [value.from_minute, value.until_minute]
        case BonusStep():
            return [value.within_days, value.points]
        case RefundPolicy():
            return value.value
    if type(value) in _KIND_OF:
        return {"kind": _KIND_OF[type(value)]} | changed(value, _written)
    return plain(value, _written)


def _object(made: type[Any], readers: Mapping[str, Reader]) -> Reader:
    return lambda name, value: made(**parts(name, value, readers))


_TEXTS, _IDS, _LIMIT = set_of(text), set_of(whole), or_none(whole)
_SCOPE: dict[str, Reader] = {
    "included_nodes": _IDS,
    "excluded_nodes": _IDS,
    "channels": _TEXTS,
    "skus": _TEXTS,
    "categories": _TEXTS,
    "excluded_skus": _TEXTS,
    "excluded_categories": _TEXTS,
}
_WINDOWS: dict[str, Reader] = {"weekdays": _IDS, "hours": list_of(pair(Hours, "[660, 840]"))}
_CLAIMING: dict[str, Reader] = {
    "is_in_centre": flag,
    "opens_at": or_none(instant),
    "closes_at": or_none(instant),
    "points_price": whole,
}
_TERMS: dict[str, Reader] = {
    "title": text,
    "worth": lambda name, value: kind(name, value, _WORTHS),
    "validity": lambda name, value: kind(name, value, _VALIDITIES),
    "threshold_fen": whole,
    "scope": _object(Scope, _SCOPE),
    "windows": _object(Windows, _WINDOWS),
    "stock": _object(Stock, {"per_day": _LIMIT, "per_store": _LIMIT}),
    "member_limits": _object(MemberLimits, {"total": _LIMIT, "per_day": _LIMIT}),
    "eligibility": _object(Eligibility, {"tier_levels": _IDS, "tags": _IDS}),
    "claiming": _object(Claiming, _CLAIMING),
    "stacking": _object(Stacking, {"is_exclusive": flag, "group": or_none(text)}),
    "bonus": list_of(pair(BonusStep, "[3, 100]")),
    "refund": choice(RefundPolicy),
    "refund_grace_days": whole,
    "reminder_days": or_none(whole),
    "description": text,
    "picture": or_none(text),
}
