"""Check-in (签到) for fans: the month, the days ahead and one big button."""

import calendar as months
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, cast

from flask import Response, flash, redirect, render_template, request, url_for

from loyalty.check_ins import cards, service
from loyalty.check_ins.calendar import CalendarDay, CheckInCalendar, calendar_of
from loyalty.check_ins.cards import MakeUpView
from loyalty.check_ins.rules import AlreadyCheckedIn
from loyalty.kernel.clock import business_date
from loyalty.kernel.transaction import run
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint
from portal.h5.form_keys import new_key
from portal.h5.months import month_of, read_month

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@dataclass(frozen=True, slots=True)
class Day:
    """One cell of the calendar."""

    number: int
    in_month: bool
    is_today: bool
    points: int | None
    is_made_up: bool


@blueprint.get("/check-ins")
def check_ins() -> str:
    """Show the month."""
    at, member_id, zone = container().clock.now(), session.member_id(), container().zone
    month = read_month(request.args.get("month")) or business_date(at, zone)

    def read(database_session: "Session") -> tuple[CheckInCalendar, MakeUpView]:
        calendar = calendar_of(database_session, member_id=member_id, month=month, zone=zone, at=at)
        return calendar, cards.make_up_view(database_session, member_id=member_id, zone=zone, at=at)

    calendar, make_ups = run(container().database, read)
    shown = month_of(calendar.month, today=calendar.today)
    return render_template(
        "h5/check_ins.html",
        calendar=calendar,
        make_ups=make_ups,
        key=new_key(),
        new_key=new_key,
        weeks=_weeks(shown.first, calendar.today, {day.on: day for day in calendar.days}),
        month=shown,
    )


@blueprint.post("/check-ins")
def check_in() -> Response:
    """Check in for today; a second tap shows today's result, it is not an error to a person."""
    try:
        done = service.check_in(
            container().database,
            member_id=session.member_id(),
            idempotency_key=request.form.get("key") or None,
            zone=container().zone,
            at=container().clock.now(),
        )
    except AlreadyCheckedIn:
        flash("今天已经签到过了，明天再来吧", "info")
    else:
        flash(f"签到成功，{done.reason}", "info")
    return cast(Response, redirect(url_for("h5.check_ins"), 303))


def _weeks(first: date, today: date, done: Mapping[date, CalendarDay]) -> list[list[Day]]:
    return [
        [_day(day, first, today, done.get(day)) for day in week]
        for week in months.Calendar().monthdatescalendar(first.year, first.month)
    ]


def _day(day: date, first: date, today: date, done: CalendarDay | None) -> Day:
    return Day(
        number=day.day,
        in_month=day.month == first.month,
        is_today=day == today,
        points=None if done is None else done.points,
        is_made_up=done is not None and done.is_made_up,
    )
