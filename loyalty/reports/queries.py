"""Queries for figures. A store's figures are those of the members enrolled at it."""

from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, RowMapping, Select, cast, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from loyalty.check_ins.models import CheckIn
from loyalty.kernel import clock
from loyalty.members.models import Member
from loyalty.notices.models import NoticeDelivery
from loyalty.notices.rules import DeliveryState
from loyalty.points.models import LedgerEntry, PointsAccount
from loyalty.points.rules import EntryKind
from loyalty.reports.rules import FIGURES, DayFigures, days_between
from loyalty.stores.rules import StoreScope

_ISSUED = (EntryKind.EARN, EntryKind.ADJUST)
_SENT = (DeliveryState.SENT, DeliveryState.DELIVERED)


def daily_figures(session: Session, *, scope: StoreScope, first: date, last: date, zone: ZoneInfo) -> list[DayFigures]:
    """Return the figures of every business date of a range, days without anything included.

    Raises:
        TooManyDays: the range is empty or longer than a year.
    """
    days: dict[date, dict[str, int]] = {day: {} for day in days_between(first, last)}
    for query in (_enrolments, _check_ins, _points, _messages):
        for row in session.execute(query(scope, first, last, zone)).mappings():
            days[row["day"]].update(_figures(row))
    return [DayFigures(day=day, **figures) for day, figures in days.items()]


def liability(session: Session, *, scope: StoreScope) -> int:
    """Return the points that members hold and that are owed to them (未兑付积分)."""
    total = select(func.coalesce(func.sum(PointsAccount.balance), 0))
    if not scope.is_chain_wide:
        total = total.where(PointsAccount.member_id.in_(_members_within(scope)))
    return int(session.execute(total).scalar_one())


def _enrolments(scope: StoreScope, first: date, last: date, zone: ZoneInfo) -> Select[date, int]:
    day = _day_of(Member.enrolled_at, zone)
    return (
        select(day.label("day"), func.count().label("new_members"))
        .where(_within(Member.enrolled_at, first, last, zone), _seen(Member.id, scope))
        .group_by(day)
    )


def _check_ins(scope: StoreScope, first: date, last: date, _zone: ZoneInfo) -> Select[date, int]:
    return (
        select(CheckIn.checked_in_on.label("day"), func.count().label("check_ins"))
        .where(CheckIn.checked_in_on.between(first, last), _seen(CheckIn.member_id, scope))
        .group_by(CheckIn.checked_in_on)
    )


def _points(scope: StoreScope, first: date, last: date, zone: ZoneInfo) -> Select[date, int, int]:
    day = _day_of(LedgerEntry.recorded_at, zone)
    is_issued = LedgerEntry.kind.in_(_ISSUED) & (LedgerEntry.points > 0)
    is_spent = LedgerEntry.kind == EntryKind.SPEND
    return (
        select(
            day.label("day"),
            func.coalesce(func.sum(LedgerEntry.points).filter(is_issued), 0).label("points_issued"),
            func.coalesce(-func.sum(LedgerEntry.points).filter(is_spent), 0).label("points_spent"),
        )
        .where(_within(LedgerEntry.recorded_at, first, last, zone), _seen(LedgerEntry.member_id, scope))
        .group_by(day)
    )


def _messages(scope: StoreScope, first: date, last: date, zone: ZoneInfo) -> Select[date, int, int, int]:
    day, state = _day_of(NoticeDelivery.started_at, zone), NoticeDelivery.state
    return (
        select(
            day.label("day"),
            func.count().filter(state.in_(_SENT)).label("messages_sent"),
            func.count().filter(state == DeliveryState.REFUSED).label("messages_refused"),
            func.count().filter(state == DeliveryState.UNKNOWN).label("messages_unknown"),
        )
        .where(
            _within(NoticeDelivery.started_at, first, last, zone),
            _seen(NoticeDelivery.member_id, scope),
        )
        .group_by(day)
    )


def _day_of(column: "InstrumentedAttribute[object]", zone: ZoneInfo) -> ColumnElement[date]:
    return cast(func.timezone(zone.key, column), Date)


def _within(column: "InstrumentedAttribute[object]", first: date, last: date, zone: ZoneInfo) -> ColumnElement[bool]:
    return (column >= clock.start_of(first, zone)) & (column < clock.end_of(last, zone))


def _seen(member_id: "InstrumentedAttribute[int]", scope: StoreScope) -> ColumnElement[bool]:
    return true() if scope.is_chain_wide else member_id.in_(_members_within(scope))


def _members_within(scope: StoreScope) -> Select[int]:
    return select(Member.id).where(Member.enrolled_store_id.in_(scope.store_ids))


def _figures(row: RowMapping) -> dict[str, int]:
    # Sums of bigint are numeric, which no page wants to see.
    return {name: int(row[name]) for name in FIGURES if name in row}
