"""Queries for figures. A store's figures are those of the members enrolled at it."""

from dataclasses import asdict
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from loyalty.kernel.business_days import day_of, within
from loyalty.members.models import Member
from loyalty.notices.models import NoticeDelivery
from loyalty.notices.rules import DeliveryState
from loyalty.reports.rollups.board import figures_by_day
from loyalty.reports.rules import FIGURES, DayFigures
from loyalty.stores.rules import StoreScope

_SENT = (DeliveryState.SENT, DeliveryState.DELIVERED)


def daily_figures(session: Session, *, scope: StoreScope, first: date, last: date, zone: ZoneInfo) -> list[DayFigures]:
    """Return the figures of every business date of a range, days without anything included.

    Raises:
        TooManyDays: the range is empty or longer than a year.
    """
    counted = figures_by_day(session, scope=scope, first=first, last=last, zone=zone)
    messages = {row["day"]: row for row in session.execute(_messages(scope, first, last, zone)).mappings()}
    return [
        DayFigures(day=day, **_named(asdict(figures)), **_named(messages.get(day, {})))
        for day, figures in counted.items()
    ]


def _messages(scope: StoreScope, first: date, last: date, zone: ZoneInfo) -> Select[date, int, int, int]:
    day, state = day_of(NoticeDelivery.started_at, zone), NoticeDelivery.state
    return (
        select(
            day.label("day"),
            func.count().filter(state.in_(_SENT)).label("messages_sent"),
            func.count().filter(state == DeliveryState.REFUSED).label("messages_refused"),
            func.count().filter(state == DeliveryState.UNKNOWN).label("messages_unknown"),
        )
        .where(
            within(NoticeDelivery.started_at, first, last, zone),
            _seen(NoticeDelivery.member_id, scope),
        )
        .group_by(day)
    )


def _seen(member_id: "InstrumentedAttribute[int]", scope: StoreScope) -> ColumnElement[bool]:
    return true() if scope.is_chain_wide else member_id.in_(_members_within(scope))


def _members_within(scope: StoreScope) -> Select[int]:
    return select(Member.id).where(Member.enrolled_store_id.in_(scope.store_ids))


def _named(figures: Any) -> dict[str, int]:
    return {name: int(figures[name]) for name in FIGURES if name in figures}
