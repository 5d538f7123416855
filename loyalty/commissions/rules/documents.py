"""Plans as JSON documents, as they are stored and sent: only what differs from the defaults. Reading is strict."""

from dataclasses import fields
from typing import Any

from loyalty.commissions.rules.plan import InvalidCommissionPlan, Plan, Rate
from loyalty.kernel.documents import (
    Reader,
    Unreadable,
    changed,
    flag,
    list_of,
    mapping,
    or_none,
    parts,
    plain,
    set_of,
    text,
    whole,
)


def to_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as it is stored."""
    return changed(plan, _written)


def from_json(document: object) -> Plan:
    """Read a plan; whether it makes sense is ``check_plan``'s to say.

    Raises:
        InvalidCommissionPlan: a key is unknown or missing, or a value has another type.
    """
    try:
        given = mapping("plan", document, {field.name for field in fields(Plan)})
        for name in ("title", "first"):
            if name not in given:
                raise Unreadable(name, "不能为空")
        return Plan(**{name: _READERS[name](name, part) for name, part in given.items()})
    except Unreadable as error:
        raise InvalidCommissionPlan([error.problem]) from error


def _written(value: Any) -> Any:
    return plain(value, _written)


def _rate(name: str, value: object) -> Rate:
    return Rate(**parts(name, value, _RATE_READERS))


_RATE_READERS: dict[str, Reader] = {
    "basis_points": whole,
    "fixed_fen": whole,
    "categories": set_of(text),
    "skus": set_of(text),
}
_READERS: dict[str, Reader] = {
    "title": text,
    "first": list_of(_rate),
    "second": list_of(_rate),
    "is_first_order_only": flag,
    "months": or_none(whole),
    "pending_days": whole,
    "order_cap_fen": or_none(whole),
    "day_cap_fen": or_none(whole),
    "month_cap_fen": or_none(whole),
    "is_open": flag,
}
