"""Caps (上限) of the plan as limits: how much one member may earn on a business date and in a month."""

from collections.abc import Sequence
from datetime import date

from loyalty.commissions.rules.plan import Plan
from loyalty.commissions.rules.states import Why
from loyalty.limits.rules import Limit, day_of, member_entity, month_of

SUBJECT = "commission"
"""One for all revisions, so that publishing another one opens no second purse."""


def limits_of(plan: Plan, *, member_id: int, on: date) -> Sequence[Limit]:
    """Return the limits of a member for purchases that were paid on a business date."""
    entity = member_entity(member_id)
    ceilings = ((day_of(on), plan.day_cap_fen, Why.DAY_CAP), (month_of(on), plan.month_cap_fen, Why.MONTH_CAP))
    return [Limit(SUBJECT, entity, period, ceiling, name) for period, ceiling, name in ceilings if ceiling is not None]
