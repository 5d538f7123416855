"""Invitations by day (邀请日报): each step on the day on which it happened.

The funnel by channel stands in ``loyalty.referrals.queries.funnel``; the days are what a chart shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from loyalty.kernel import clock
from loyalty.kernel.business_days import day_of
from loyalty.referrals.models import Referral, ShareOpening
from loyalty.reports.rules import days_between


@dataclass(frozen=True, slots=True)
class ReferralDay:
    """What happened on one business date."""

    opened: int = 0
    counted: int = 0
    """By new, distinct, real people."""
    enrolled: int = 0
    qualified: int = 0
    """Whose rewards became due, on the day that they did."""
    rewarded: int = 0


def referral_days(session: Session, *, first: date, last: date, zone: ZoneInfo) -> Mapping[date, ReferralDay]:
    """Return every business date from the first to the last."""
    days = {day: ReferralDay() for day in days_between(first, last)}
    since, until = clock.start_of(first, zone), clock.end_of(last, zone)

    def add(moment: Any, **figures: ColumnElement[Any]) -> None:
        on = day_of(moment, zone)
        query: Select[Any] = select(on.label("on"), *(figure.label(name) for name, figure in figures.items()))
        for row in session.execute(query.where(moment >= since, moment < until).group_by(on)).mappings():
            named: dict[str, Any] = {name: int(row[name]) for name in figures}
            days[row["on"]] = replace(days[row["on"]], **named)

    counted = func.count().filter(ShareOpening.reason.is_(None))
    add(ShareOpening.opened_at, opened=func.count(), counted=counted)
    add(Referral.came_at, enrolled=func.count())
    add(Referral.qualified_at, qualified=func.count())
    add(Referral.rewarded_at, rewarded=func.count())
    return days


def qualified_by_channel(session: Session, *, first: date, last: date, zone: ZoneInfo) -> Mapping[str, int]:
    """Return of those who came on these dates how many fulfilled the condition and passed, by channel."""
    since, until = clock.start_of(first, zone), clock.end_of(last, zone)
    rows = session.execute(
        select(Referral.channel, func.count())
        .where(Referral.came_at >= since, Referral.came_at < until, Referral.qualified_at.is_not(None))
        .group_by(Referral.channel)
    )
    return {channel: count for channel, count in rows}
