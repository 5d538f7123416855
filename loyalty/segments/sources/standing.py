"""Where members stand: level, growth, points and streak. Whoever has no row is at the lowest level and has 0."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from loyalty.check_ins.models import CheckIn
from loyalty.points.lifetimes import lives_at
from loyalty.points.lots import HOLD_LOTS, HOLDS, bound_at, spendable
from loyalty.points.posting import ACCOUNTS, LOTS
from loyalty.segments.rules import fact_types as types
from loyalty.segments.sources.parts import Asked, Who, in_range
from loyalty.tiers.models import GrowthEntry, MemberTier
from loyalty.tiers.periods import STARTS
from loyalty.tiers.rules import LOWEST_LEVEL, Period


def tier(fact: types.Tier, asked: Asked) -> Who:
    """Whose level counts as one of these now; one set by hand is a floor, asked apart so that plans know its share."""
    levels, until_at = sorted(fact.levels), MemberTier.manual_until_at
    is_by_growth = and_(or_(until_at.is_(None), until_at <= asked.at), MemberTier.level.in_(levels))
    is_by_hand = and_(until_at > asked.at, func.greatest(MemberTier.level, MemberTier.manual_level).in_(levels))
    is_one = or_(is_by_growth, is_by_hand)
    if LOWEST_LEVEL in fact.levels:
        return Who(select(MemberTier.member_id).where(~is_one), is_absent=True)
    return Who(select(MemberTier.member_id).where(is_one))


def growth(fact: types.Growth, asked: Asked) -> Who:
    """Whose growth of the period lies within bounds. The policy says which period it is: one part finds nobody."""
    for_ever = select(MemberTier.member_id, MemberTier.growth).join(STARTS, STARTS.c.period == Period.FOR_EVER.value)
    of_period = (
        select(GrowthEntry.member_id, func.sum(GrowthEntry.growth).label("growth"))
        .join(STARTS, and_(STARTS.c.period != Period.FOR_EVER.value, GrowthEntry.counted_at >= STARTS.c.period_at))
        .group_by(GrowthEntry.member_id)
    )
    grown = union_all(for_ever, of_period).subquery()
    found = in_range(grown.c.member_id, grown.c.growth, fact.least, fact.most)
    return replace(found, ids=found.ids.params(at=asked.at))


def balance(fact: types.Balance, asked: Asked) -> Who:
    """Who can spend so many points now: the balance less what is pending, expired, bound or owed."""
    at = literal(asked.at)
    is_pending, is_over = LOTS.c.available_at > at, LOTS.c.expires_at <= at
    left = select(LOTS.c.member_id, LOTS.c.remaining.label("points")).where(LOTS.c.remaining > 0)
    dated = left.where(LOTS.c.idle_days.is_(None), or_(is_pending, is_over))
    idle = left.where(LOTS.c.idle_days.is_not(None), or_(is_pending, ~lives_at(at)))
    taken = _summed(dated, idle, _bound(at, spendable(at)))
    # Below 0 with what is owed, which no range tells from 0.
    available = ACCOUNTS.c.balance - func.coalesce(taken.c.points, 0) - ACCOUNTS.c.debt
    found = in_range(ACCOUNTS.c.member_id, available, fact.least, fact.most)
    return replace(found, ids=found.ids.outerjoin(taken, taken.c.member_id == ACCOUNTS.c.member_id))


def expiring_points(fact: types.ExpiringPoints, asked: Asked) -> Who:
    """Who loses so many points by the end of a day to come; what a hold binds is not lost."""
    end = asked.end_of(asked.today + timedelta(days=fact.within_days))
    expiring = points_expiring(asked, until=end)
    return in_range(expiring.c.member_id, expiring.c.points, fact.least, None)


def points_expiring(asked: Asked, *, until: datetime, after: datetime | None = None) -> FromClause:
    """Return by member what expires until an instant, or only after another, if nothing is spent.

    What a hold binds does not expire.
    """
    at, since, end = literal(asked.at), literal(after or asked.at), literal(until)
    left = select(LOTS.c.member_id, LOTS.c.remaining.label("points")).where(LOTS.c.remaining > 0)
    dated = left.where(
        LOTS.c.idle_days.is_(None), LOTS.c.available_at <= at, LOTS.c.expires_at > since, LOTS.c.expires_at <= end
    )
    is_ending = and_(spendable(at), lives_at(since), ~lives_at(end))
    idle = left.where(LOTS.c.idle_days.is_not(None), is_ending)
    return _summed(dated, idle, _bound(at, is_ending, sign=-1))


def check_in_streak(fact: types.CheckInStreak, asked: Asked) -> Who:
    """Whose streak, which today may still continue, lies within bounds."""
    of_today, before = aliased(CheckIn), aliased(CheckIn)
    is_same_member = of_today.member_id == before.member_id
    has_today = exists().where(is_same_member, of_today.checked_in_on == asked.today)
    current = union_all(
        _streaks(of_today, asked.today), _streaks(before, asked.days_ago(1)).where(~has_today)
    ).subquery()
    return in_range(current.c.member_id, current.c.streak, fact.least, fact.most)


def _streaks(check_in: Any, on: date) -> Select[Any]:
    return select(check_in.member_id, check_in.streak).where(check_in.checked_in_on == on)


def _bound(at: ColumnElement[datetime], which: ColumnElement[bool], sign: int = 1) -> Select[Any]:
    """Select what holds bind of some lots. Few are held at a time: each is looked up, never all lots joined."""
    is_same = and_(LOTS.c.member_id == HOLD_LOTS.c.member_id, LOTS.c.id == HOLD_LOTS.c.lot_id)
    is_one = select(which).where(is_same).correlate(HOLD_LOTS).scalar_subquery()
    return bound_at(at, HOLDS.c.member_id).add_columns((sign * HOLD_LOTS.c.points).label("points")).where(is_one)


def _summed(*parts: Select[Any]) -> FromClause:
    every = union_all(*parts).subquery()
    total = cast(func.sum(every.c.points), BigInteger).label("points")
    return select(every.c.member_id, total).group_by(every.c.member_id).subquery()
