"""Which growth counts at an instant, as SQL: in the policy's own time zone, in whole days; reckoned nowhere else."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Interval,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
)

from loyalty.tiers.models import GrowthEntry, MemberTier, TierPolicy
from loyalty.tiers.rules import DEFAULT_POLICY, LOWEST_LEVEL, Period

AT = bindparam("at", type_=DateTime(timezone=True))


def _starts() -> FromClause:
    """One row: the policy, when its period began, and since when growth keeps levels; null for ever ago."""
    policy = (
        select(
            func.coalesce(func.max(TierPolicy.period), Period.FOR_EVER.value).label("period"),
            func.coalesce(func.max(TierPolicy.months), DEFAULT_POLICY.months).label("months"),
            func.coalesce(func.max(TierPolicy.time_zone), DEFAULT_POLICY.time_zone).label("time_zone"),
        )
    ).subquery("policy")
    zone, local = policy.c.time_zone, func.timezone(policy.c.time_zone, AT)
    year = func.date_trunc(literal_column("'year'"), local)
    day = func.date_trunc(literal_column("'day'"), local)
    one_day, one_year = (literal_column(f"interval '1 {unit}'", Interval) for unit in ("day", "year"))
    rolling = day - func.make_interval(literal_column("0"), cast(policy.c.months, Integer)) + one_day
    is_rolling, is_yearly = (
        policy.c.period == period.value for period in (Period.ROLLING_MONTHS, Period.CALENDAR_YEAR)
    )
    return select(
        policy.c.period,
        case((is_rolling, func.timezone(zone, rolling)), (is_yearly, func.timezone(zone, year))).label("period_at"),
        case((is_rolling, func.timezone(zone, rolling)), (is_yearly, func.timezone(zone, year - one_year))).label(
            "reach_back_at"
        ),
    ).subquery("starts")


STARTS = _starts()


def _growth_since(start: ColumnElement[datetime], end: ColumnElement[datetime] | None = None) -> ColumnElement[int]:
    counted = select(func.coalesce(func.sum(GrowthEntry.growth), 0)).where(
        GrowthEntry.member_id == MemberTier.member_id, GrowthEntry.counted_at >= start
    )
    if end is not None:
        counted = counted.where(GrowthEntry.counted_at < end)
    return cast(counted.scalar_subquery(), BigInteger)


GROWTH = case((STARTS.c.period == Period.FOR_EVER.value, MemberTier.growth), else_=_growth_since(STARTS.c.period_at))
KEPT_BY = case(
    (
        STARTS.c.period == Period.CALENDAR_YEAR.value,
        func.greatest(_growth_since(STARTS.c.period_at), _growth_since(STARTS.c.reach_back_at, STARTS.c.period_at)),
    ),
    else_=GROWTH,
)
_MANUAL_LEVEL = case((MemberTier.manual_until_at > AT, MemberTier.manual_level), else_=LOWEST_LEVEL)
LEVEL = func.greatest(func.coalesce(MemberTier.level, LOWEST_LEVEL), func.coalesce(_MANUAL_LEVEL, LOWEST_LEVEL))
"""The level that counts at ``at``."""
