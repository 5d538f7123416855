"""What entries of earnings are called that commissions cause, and what they say."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from loyalty.commissions.rules.reckoning import Term
from loyalty.commissions.rules.states import Why
from loyalty.earnings.commission_words import RULE


def accrual_reference(order_id: int, level: int, serial: int) -> str:
    """Return the reference of what an order earned; corrections count the serial up."""
    return f"{RULE}:{order_id}:{level}:{serial}"


def reversal_reference(accrual: str, reversed_fen: int) -> str:
    """Return the reference of a reversal, which brings what was undone of an accrual to so much."""
    return f"{accrual}:reversed:{reversed_fen}"


def accrual_told(
    *,
    order_id: int,
    level: int,
    plan_id: int,
    store_name: str | None,
    paid_at: datetime,
    terms: Sequence[Term],
    limited_by: Why | None,
) -> dict[str, Any]:
    """Return the explanation of an accrual; ``paid_at`` as the clock on the wall showed it."""
    limited = {} if limited_by is None else {"limited_by": limited_by.value}
    return {
        **_about(order_id, level),
        "plan_id": plan_id,
        "store_name": store_name,
        "paid_at": paid_at.isoformat(),
        "terms": [term.to_json() for term in terms],
        **limited,
    }


def approval_told(*, order_id: int, level: int, paid_on: date) -> dict[str, Any]:
    """Return the explanation of an approval."""
    return {**_about(order_id, level), "paid_on": paid_on.isoformat()}


def reversal_told(*, order_id: int, level: int, paid_on: date, reason: Why) -> dict[str, Any]:
    """Return the explanation of a reversal."""
    return {**_about(order_id, level), "paid_on": paid_on.isoformat(), "reason": reason.value}


def _about(order_id: int, level: int) -> dict[str, Any]:
    return {"rule": RULE, "order_id": order_id, "level": level}
