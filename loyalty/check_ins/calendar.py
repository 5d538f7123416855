"""A month's calendar of check-ins (签到日历), and what the next days pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Date, and_, bindparam, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from loyalty.check_ins.queries import CHECK_INS, plan_live_on, plan_of
from loyalty.check_ins.rules import Award, award, days_after, month_of, next_streak
from loyalty.kernel.clock import business_date

PREVIEW_DAYS = 7


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day checked in, and what it paid."""

    on: date
    streak: int
    points: int
    is_made_up: bool = False


@dataclass(frozen=True, slots=True)
class PreviewDay:
    """A day to come, and what it pays if none is missed until then."""

    on: date
    award: Award


@dataclass(frozen=True, slots=True)
class CheckInCalendar:
    """A member's check-ins of a month (签到日历), the streak as it stands, and what the next days pay."""

    month: date
    today: date
    has_checked_in_today: bool
    streak: int
    days: Sequence[CalendarDay]
    preview: Sequence[PreviewDay]


def calendar_of(session: Session, *, member_id: int, month: date, zone: ZoneInfo, at: datetime) -> CheckInCalendar:
    """Return a member's check-ins of the month that ``month`` lies in, and what the next days will pay.

    The preview begins with the next day that can be checked in and comes from the function that pays.
    """
    today = business_date(at, zone)
    first, after_last = month_of(month)
    checked_in = {day.on: day for day in _days(session, member_id, first, after_last, today)}
    latest = checked_in.get(today) or checked_in.get(today - timedelta(days=1))
    begin = today + timedelta(days=1) if today in checked_in else today
    return CheckInCalendar(
        month=first,
        today=today,
        has_checked_in_today=today in checked_in,
        streak=latest.streak if latest is not None else 0,
        days=[day for on, day in sorted(checked_in.items()) if first <= on < after_last],
        preview=_preview(session, days_after(begin, PREVIEW_DAYS), latest.streak if latest is not None else None),
    )


def _days(session: Session, member_id: int, first: date, after_last: date, today: date) -> list[CalendarDay]:
    recent = CHECK_INS.c.checked_in_on.in_([today - timedelta(days=1), today])
    of_month = and_(CHECK_INS.c.checked_in_on >= first, CHECK_INS.c.checked_in_on < after_last)
    row = CHECK_INS.c
    query = select(row.checked_in_on, row.streak, row.base + row.bonus, row.make_up_card_id.is_not(None))
    rows = session.execute(query.where(row.member_id == member_id, or_(of_month, recent)))
    return [CalendarDay(*row) for row in rows]


def _preview(session: Session, days: Sequence[date], streak: int | None) -> list[PreviewDay]:
    to_come = func.unnest(bindparam("days", type_=ARRAY(Date))).table_valued("day", name="to_come").render_derived()
    plan = plan_live_on(to_come.c.day)
    rows = session.execute(
        select(to_come.c.day, *plan.c).join_from(to_come, plan, true()).order_by(to_come.c.day), {"days": list(days)}
    ).all()
    plans = {row.day: plan_of(row) for row in rows}
    preview = []
    for day in days:
        streak = next_streak(streak)
        if day in plans:
            preview.append(PreviewDay(day, award(plans[day], streak)))
    return preview
