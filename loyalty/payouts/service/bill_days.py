"""Days of bills (账单日): which are still to be read, and what to think of one that the platform has no bill of.

The platform says the same of a bill that is late and of a day on which nothing moved. So such a day is asked about
again; after a while ours decide: where money of ours moved, the bill is missing, and people are told.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date, end_of, start_of
from loyalty.payouts.models import BillDay, Payout
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service.reconciling import BILL_MISSING, Difference, keep_new, reconcile

DAYS_BACK_MAX = 30
"""How far back bills are asked for that are still missing."""
WAITED_FOR = timedelta(days=3)
"""How long a bill may be late before people are told; it is asked for nevertheless."""


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
    may_fen, surely_fen = _moved_fen(session, on, zone)
    if today - on <= WAITED_FOR:
        return [] if may_fen is None else None
    if may_fen is None:
        return reconcile(session, on=on, lines=(), has_bill=False, zone=zone, at=at)
    if surely_fen is None:
        return []
    return keep_new(session, [Difference(on.isoformat(), BILL_MISSING, None, None, surely_fen)], on=on, at=at)


def _moved_fen(session: Session, on: date, zone: ZoneInfo) -> tuple[int | None, int | None]:
    """Return how much of ours may have moved on a day, and how much surely did; None where nothing did.

    Money leaves when the platform takes a create: after it was first begun, which may be days before where the account
    is short, and before we hear of it.
    """
    first, end = start_of(on, zone), end_of(on, zone)
    heard_at = func.coalesce(Payout.offered_at, Payout.settled_at, end)
    may_have_left = and_(Payout.sent_at < end, heard_at >= first)
    surely_left = and_(Payout.sent_at >= first, heard_at < end)
    came_back = and_(Payout.state == PayoutState.RETURNED, Payout.settled_at >= first, Payout.settled_at < end)
    may_fen, surely_fen = func.sum(Payout.net_fen), func.sum(Payout.net_fen).filter(or_(surely_left, came_back))
    has_bill = Payout.transfer_bill_no.is_not(None)
    may, surely = session.execute(select(may_fen, surely_fen).where(has_bill, or_(may_have_left, came_back))).one()
    return (None if may is None else int(may), None if surely is None else int(surely))
