"""Figures of commissions (佣金漏斗): from friends who bought to what could be withdrawn, of purchases in a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.commissions.models import Commission
from loyalty.commissions.rules.states import STANDING, CommissionState, Why


@dataclass(frozen=True, slots=True)
class Figures:
    """What purchases of friends came to; money in fen."""

    friends: int = 0
    orders: int = 0
    """That earned something, also where it was undone since."""
    earners: int = 0
    base_fen: int = 0
    accrued_fen: int = 0
    pending_fen: int = 0
    approved_fen: int = 0
    undone_fen: int = 0
    missed: int = 0


def figures(session: Session, *, since: datetime, until: datetime) -> Figures:
    """Return the figures of purchases that were paid in a time."""
    row = session.execute(_figures().where(Commission.paid_at >= since, Commission.paid_at < until)).one()
    return Figures(**{name: int(value) for name, value in row._mapping.items()})


def misses(session: Session, *, since: datetime, until: datetime) -> Mapping[Why, int]:
    """Return how many purchases in a time earned nothing, by the reason, the most frequent first."""
    count = func.count().label("count")
    rows = session.execute(
        select(Commission.reason, count)
        .where(Commission.paid_at >= since, Commission.paid_at < until, Commission.state == CommissionState.MISSED)
        .group_by(Commission.reason)
        .order_by(count.desc(), Commission.reason)
    )
    return {Why(str(reason)): number for reason, number in rows}


def _figures() -> Any:
    row, has_earned = Commission, Commission.amount_fen > 0
    left = row.amount_fen - row.reversed_fen
    totals = {
        "friends": func.count(row.referee_id.distinct()).filter(has_earned),
        "orders": func.count(row.order_id.distinct()).filter(has_earned),
        "earners": func.count(row.member_id.distinct()).filter(has_earned),
        "base_fen": func.sum(row.base_fen).filter(has_earned, row.level == 1),
        "accrued_fen": func.sum(row.amount_fen),
        "pending_fen": func.sum(left).filter(row.state == CommissionState.PENDING),
        "approved_fen": func.sum(left).filter(row.state == CommissionState.APPROVED),
        "undone_fen": func.sum(row.amount_fen).filter(row.state.not_in(STANDING)),
        "missed": func.count().filter(row.state == CommissionState.MISSED),
    }
    partly = func.coalesce(func.sum(row.reversed_fen).filter(row.state.in_(STANDING)), 0)
    totals["undone_fen"] = func.coalesce(totals["undone_fen"], 0) + partly
    return select(*(func.coalesce(total, 0).label(name) for name, total in totals.items()))
