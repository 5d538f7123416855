"""Days of bills (账单日): which are still to be read, and what to think of one that the platform has no bill of.

The platform says the same of a bill that is late and of a day on which nothing moved. So such a day is asked about
again; after a while our own books decide: where money of ours moved, the bill is missing, and people are told. When
it moved we know from two moments only, that before it and that at which we heard of it; midnight may lie between.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, union_all
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date, end_of, start_of
from loyalty.payouts.models import BillDay, BillLine, Payout
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service.reconciling import BILL_MISSING, Difference, keep_new, reconcile

DAYS_BACK_MAX = 30
"""How far back bills are asked for that are still missing."""
WAITED_FOR = timedelta(days=3)
"""How long a bill may be late before people are told; it is asked for nevertheless."""
_DAY = timedelta(days=1)
_INFINITY = text("'infinity'::timestamptz")


def missing_days(session: Session, *, until: date, zone: ZoneInfo) -> Sequence[date]:
    """Return the business dates whose bills are still to be read, from the first payout sent on, oldest first."""
    first_sent_at = session.scalar(select(func.min(Payout.sent_at)))
    if first_sent_at is None:
        return []
    first = max(business_date(first_sent_at, zone), until - timedelta(days=DAYS_BACK_MAX))
    days = [first + timedelta(days=day) for day in range((until - first).days + 1)]
    read = set(session.scalars(select(BillDay.bill_on).where(BillDay.bill_on >= first)))
    return [day for day in days if day not in read]


def go_without(session: Session, *, on: date, today: date, zone: ZoneInfo, at: datetime) -> Sequence[Difference] | None:
    """Decide about a day without a bill; return the differences that are new, or None where later bills wait for it.

    Bills are read in order as long as one may still come that tells of our money: else what left on one day and came
    back on the next would look wrong.
    """
    may_fen, must_fen = _untold_fen(session, on, zone)
    if today - on <= WAITED_FOR:
        return [] if may_fen is None else None
    if may_fen is None:
        return reconcile(session, on=on, lines=(), has_bill=False, zone=zone, at=at)
    if must_fen is None:
        return []
    return keep_new(session, [Difference(on.isoformat(), BILL_MISSING, None, None, must_fen)], on=on, at=at)


def _untold_fen(session: Session, on: date, zone: ZoneInfo) -> tuple[int | None, int | None]:
    """Return what may have moved on a day and no bill tells of, and what of it must have; None where nothing did.

    It must have where it is certain to have moved, and the bills of all later days that could tell of it are read.
    """
    unread_from = start_of(_next_unread(session, on), zone)
    moved = union_all(_departures(), _returns()).subquery()
    must = and_(moved.c.is_certain, moved.c.until < unread_from)
    sums = select(func.sum(moved.c.net_fen), func.sum(moved.c.net_fen).filter(must))
    is_of_day = and_(moved.c.since < end_of(on, zone), moved.c.until >= start_of(on, zone))
    may_fen, must_fen = session.execute(sums.where(is_of_day)).one()
    return (None if may_fen is None else int(may_fen), None if must_fen is None else int(must_fen))


def _next_unread(session: Session, on: date) -> date:
    read, day = set(session.scalars(select(BillDay.bill_on).where(BillDay.bill_on > on))), on + _DAY
    while day in read:
        day += _DAY
    return day


def _departures() -> Select[*tuple[Any, ...]]:
    """Money that left, and that no bill tells of: after the create was first begun, and before we heard of it.

    Where the account is short, days lie between. A create of which nothing is known may have arrived.
    """
    return select(
        Payout.net_fen,
        Payout.sent_at.label("since"),
        func.coalesce(Payout.offered_at, Payout.settled_at, _INFINITY).label("until"),
        or_(Payout.offered_at.is_not(None), Payout.state == PayoutState.SUCCESS).label("is_certain"),
    ).where(
        Payout.sent_at.is_not(None),
        or_(Payout.transfer_bill_no.is_not(None), Payout.settled_at.is_(None)),
        ~_told(is_return=False),
    )


def _returns() -> Select[*tuple[Any, ...]]:
    """Money that came back, and that no bill tells of: after it had left, and before we heard of its return.

    Of what ended before it waited for its member perhaps none had left.
    """
    return select(
        Payout.net_fen,
        func.coalesce(Payout.offered_at, Payout.sent_at).label("since"),
        Payout.settled_at.label("until"),
        Payout.offered_at.is_not(None).label("is_certain"),
    ).where(
        Payout.state == PayoutState.RETURNED,
        Payout.transfer_bill_no.is_not(None),
        ~_told(is_return=True),
    )


def _told(*, is_return: bool) -> ColumnElement[bool]:
    of_payout = and_(BillLine.out_bill_no == Payout.out_bill_no, BillLine.is_return.is_(is_return))
    return select(BillLine.bill_on).where(of_payout).exists()
