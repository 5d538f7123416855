"""Reconciling with the platform's daily bill (对账): every transfer of the bill against our payouts, and back.

Lines of a bill are kept, so that money that left on one day and came back on the next is seen whole. A difference is
kept once, until people have settled it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import BillLine as PlatformLine
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import end_of, start_of
from loyalty.kernel.database import AnyRow
from loyalty.payouts.models import BillDay, BillLine, Payout, PayoutDiscrepancy
from loyalty.payouts.rules.errors import DiscrepancyNotFound
from loyalty.payouts.rules.states import Destination, PayoutState
from loyalty.payouts.service.records import SYSTEM

BILL_MISSING = "bill_missing"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a bill and our payouts say differently."""

    out_bill_no: str
    reason: str
    payout_id: int | None
    bill_fen: int | None
    our_fen: int | None


def reconcile(
    session: Session,
    *,
    on: date,
    lines: Sequence[PlatformLine],
    zone: ZoneInfo,
    at: datetime,
    has_bill: bool = True,
) -> Sequence[Difference]:
    """Keep a day's bill and compare it with our payouts; return the differences that are new. Once for each day.

    A day that the platform made no bill of is compared as well. A bill that was missed is settled by coming.
    """
    kept = session.execute(
        insert_or_skip(BillDay)
        .values(
            bill_on=on,
            has_bill=has_bill,
            lines_count=len(lines),
            paid_fen=sum(line.amount_fen for line in lines if not line.is_return),
            returned_fen=sum(line.amount_fen for line in lines if line.is_return),
            read_at=at,
        )
        .on_conflict_do_nothing()
        .returning(BillDay.bill_on)
    ).first()
    if kept is None:
        return []
    _settle_missing(session, on, at)
    if lines:
        session.execute(insert(BillLine), [_kept(on, number, line) for number, line in enumerate(lines)])
    found = [*_of_bill(session, on), *_never_named(session, on, zone), *_never_back(session, on, zone)]
    return keep_new(session, found, on=on, at=at)


def keep_new(session: Session, found: Sequence[Difference], *, on: date, at: datetime) -> Sequence[Difference]:
    """Keep differences until people have settled them; return those that nobody knew."""
    return [each for each in found if _write(session, each, on, at)]


def settle_discrepancy(session: Session, *, discrepancy_id: int, actor: Actor, at: datetime) -> None:
    """Note that people have looked at a difference and put it right; again it changes nothing.

    Raises:
        DiscrepancyNotFound: there is none.
    """
    row = session.get(PayoutDiscrepancy, discrepancy_id)
    if row is None:
        raise DiscrepancyNotFound(discrepancy_id=discrepancy_id)
    settled = session.execute(
        update(PayoutDiscrepancy)
        .where(PayoutDiscrepancy.id == discrepancy_id, PayoutDiscrepancy.settled_at.is_(None))
        .values(settled_by=actor.name, settled_at=at)
        .returning(PayoutDiscrepancy.id)
        .execution_options(synchronize_session=False)
    ).first()
    if settled is not None:
        subject, told = f"payout_discrepancy:{discrepancy_id}", {"reason": row.reason, "out_bill_no": row.out_bill_no}
        audit.write(session, actor=actor, action="payouts.settle_discrepancy", subject=subject, after=told, at=at)


def _settle_missing(session: Session, on: date, at: datetime) -> None:
    is_of_day = and_(PayoutDiscrepancy.out_bill_no == on.isoformat(), PayoutDiscrepancy.reason == BILL_MISSING)
    session.execute(
        update(PayoutDiscrepancy)
        .where(is_of_day, PayoutDiscrepancy.settled_at.is_(None))
        .values(settled_by=SYSTEM, settled_at=at)
        .execution_options(synchronize_session=False)
    )


def _kept(on: date, number: int, line: PlatformLine) -> dict[str, object]:
    return {
        "bill_on": on,
        "position": number,
        "out_bill_no": line.out_bill_no,
        "transfer_bill_no": line.transfer_bill_no,
        "amount_fen": line.amount_fen,
        "is_return": line.is_return,
        "booked_at": line.booked_at,
    }


def _of_bill(session: Session, on: date) -> Iterator[Difference]:
    """Compare what the bill of the day names, with all that bills have said of those numbers so far."""
    of_day = select(BillLine.out_bill_no).where(BillLine.bill_on == on)
    out_fen = func.coalesce(func.sum(BillLine.amount_fen).filter(~BillLine.is_return), 0)
    back_fen = func.coalesce(func.sum(BillLine.amount_fen).filter(BillLine.is_return), 0)
    rows = session.execute(
        select(
            BillLine.out_bill_no,
            out_fen.label("out_fen"),
            back_fen.label("back_fen"),
            func.count().filter(~BillLine.is_return).label("outs"),
            Payout.id,
            Payout.net_fen,
            Payout.state,
        )
        .outerjoin(Payout, Payout.out_bill_no == BillLine.out_bill_no)
        .where(BillLine.out_bill_no.in_(of_day))
        .group_by(BillLine.out_bill_no, Payout.id)
        .order_by(BillLine.out_bill_no)
    )
    for row in rows:
        reason = _reason(row)
        if reason is not None:
            yield Difference(row.out_bill_no, reason, row.id, int(row.out_fen) - int(row.back_fen), row.net_fen)


def _reason(row: AnyRow) -> str | None:
    if row.id is None:
        return "unknown_bill"
    if row.outs > 1:
        return "paid_twice"
    if row.out_fen != row.net_fen or row.back_fen not in (0, row.net_fen):
        return "amount_differs"
    if row.back_fen and row.state == PayoutState.SUCCESS:
        return "success_but_returned"
    return None


def _never_back(session: Session, on: date, zone: ZoneInfo) -> Iterator[Difference]:
    """Find payouts that were returned by the end of the day, but whose money no bill so far brings back.

    The return is booked before we hear of it. One of a later day is still to come: a bill may be read late.
    """
    signed = case((BillLine.is_return, -BillLine.amount_fen), else_=BillLine.amount_fen)
    of_day = select(BillLine.out_bill_no).where(BillLine.bill_on == on)
    is_judged = or_(Payout.settled_at >= start_of(on, zone), Payout.out_bill_no.in_(of_day))
    rows = session.execute(
        select(Payout.out_bill_no, Payout.id, Payout.net_fen, func.sum(signed).label("bill_fen"))
        .join(BillLine, BillLine.out_bill_no == Payout.out_bill_no)
        .where(Payout.state == PayoutState.RETURNED, Payout.settled_at < end_of(on, zone), is_judged)
        .group_by(Payout.id)
        .having(func.bool_and(~BillLine.is_return), func.sum(signed) == Payout.net_fen)
        .order_by(Payout.id)
    )
    for row in rows:
        yield Difference(row.out_bill_no, "returned_but_paid", row.id, int(row.bill_fen), row.net_fen)


def _never_named(session: Session, on: date, zone: ZoneInfo) -> Iterator[Difference]:
    """Find payouts that ended well on the day, but that no bill so far names."""
    named = select(BillLine.out_bill_no).where(BillLine.out_bill_no == Payout.out_bill_no)
    rows = session.execute(
        select(Payout.out_bill_no, Payout.id, Payout.net_fen)
        .where(
            Payout.state == PayoutState.SUCCESS,
            Payout.destination == Destination.WECHAT,
            Payout.settled_at >= start_of(on, zone),
            Payout.settled_at < end_of(on, zone),
            ~named.exists(),
        )
        .order_by(Payout.id)
    )
    for row in rows:
        yield Difference(row.out_bill_no, "not_in_bill", row.id, None, row.net_fen)


def _write(session: Session, each: Difference, on: date, at: datetime) -> bool:
    written = session.execute(
        insert_or_skip(PayoutDiscrepancy)
        .values(
            out_bill_no=each.out_bill_no,
            reason=each.reason,
            payout_id=each.payout_id,
            bill_fen=each.bill_fen,
            our_fen=each.our_fen,
            found_on=on,
            found_at=at,
        )
        .on_conflict_do_nothing()
        .returning(PayoutDiscrepancy.id)
    ).first()
    return written is not None
