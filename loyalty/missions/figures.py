"""What a mission came to (任务效果): who took part, what each step paid, what did not count and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, cast, distinct, func, select
from sqlalchemy.orm import Session

from loyalty.kernel.business_days import day_of
from loyalty.limits.service import used
from loyalty.missions.models import MissionCount, MissionProgress, MissionReward
from loyalty.missions.rules.counting import MissReason
from loyalty.missions.rules.limiting import points_limit, rewards_limit
from loyalty.missions.rules.terms import Terms


@dataclass(frozen=True, slots=True)
class StepFigures:
    """What one step came to in all."""

    target: int
    reached: int
    """How often it is reached, in all periods of all members, refunds considered."""
    paid: int
    """Rewards that stand."""
    reversed: int
    """Rewards that refunds took back."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What a mission paid on one business date."""

    on: date
    rewards: int
    points: int
    coupons: int
    cards: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a mission came to."""

    members: int
    """How many members something counted for."""
    points_paid: int
    rewards_paid: int
    """Both less what refunds took back, as the budgets count."""
    steps: Sequence[StepFigures]
    misses: Mapping[MissReason, int]
    """Events of late that did not count."""
    refusals: Mapping[str, int]
    """Rewards that were reached and could not be paid by themselves, by the code of why."""


def figures(session: Session, *, mission_id: int, terms: Terms, since: datetime) -> Figures:
    """Return what a mission came to since it began, and what did not count lately."""
    row = MissionProgress
    members = session.scalar(
        select(func.count(distinct(row.member_id))).where(row.mission_id == mission_id, row.progress > 0)
    )
    return Figures(
        members=members or 0,
        points_paid=used(session, limit=points_limit(terms.limits, mission_id)),
        rewards_paid=used(session, limit=rewards_limit(terms.limits, mission_id)),
        steps=_steps(session, mission_id, terms),
        misses=_misses(session, mission_id, since),
        refusals=_refusals(session, mission_id),
    )


def figures_by_day(
    session: Session, *, mission_id: int, since: datetime, until: datetime, zone: ZoneInfo
) -> Sequence[DayFigures]:
    """Return what a mission paid on each business date of a span on which it paid anything, the latest first."""
    row = MissionReward
    on = day_of(row.paid_at, zone)
    rows = session.execute(
        select(
            on,
            func.count(),
            _sum(row.reward["points"]),
            func.count().filter(row.coupon_id.is_not(None)),
            _sum(row.reward["cards"]),
        )
        .where(row.mission_id == mission_id, row.paid_at >= since, row.paid_at < until, row.reversed_at.is_(None))
        .group_by(on)
        .order_by(on.desc())
    )
    return [DayFigures(*one) for one in rows]


def _sum(figure: Any) -> Any:
    return func.coalesce(cast(func.sum(cast(figure.as_string(), BigInteger)), BigInteger), 0)


def _steps(session: Session, mission_id: int, terms: Terms) -> Sequence[StepFigures]:
    row = MissionReward
    paid = {
        target: counts
        for target, *counts in session.execute(
            select(
                row.target,
                func.count().filter(row.reversed_at.is_(None)),
                func.count().filter(row.reversed_at.is_not(None)),
            )
            .where(row.mission_id == mission_id)
            .group_by(row.target)
        )
    }
    targets = sorted({step.target for step in terms.steps} | set(paid))
    progress = MissionProgress.progress
    reached = session.execute(
        select(*(func.count().filter(progress >= target) for target in targets)).where(
            MissionProgress.mission_id == mission_id
        )
    ).one()
    return [
        StepFigures(target, count, *paid.get(target, (0, 0))) for target, count in zip(targets, reached, strict=True)
    ]


def _misses(session: Session, mission_id: int, since: datetime) -> Mapping[MissReason, int]:
    row = MissionCount
    rows = session.execute(
        select(row.missed, func.count())
        .where(row.mission_id == mission_id, row.recorded_at >= since, row.missed.is_not(None))
        .group_by(row.missed)
        .order_by(func.count().desc())
    )
    return {MissReason(reason): count for reason, count in rows if reason is not None}


def _refusals(session: Session, mission_id: int) -> Mapping[str, int]:
    each = func.jsonb_each_text(MissionProgress.refusals).table_valued("key", "value", name="each").render_derived()
    rows = session.execute(
        select(each.c.value, func.count())
        .select_from(MissionProgress)
        .join(each, MissionProgress.mission_id == mission_id)
        .group_by(each.c.value)
        .order_by(func.count().desc())
    )
    return {code: count for code, count in rows}
