"""Accruing (计提): looking at orders by when they were recorded, a page at a time, behind a watermark.

Whoever looks at a page holds the watermark. Orders are numbered before they are committed, so each run begins somewhat
before it; what is known of the same version of an order earns nothing again, and a corrected one is reckoned anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, any_, bindparam, func, select, tuple_, update
from sqlalchemy.orm import Session

from loyalty.commissions.models import Commission, CommissionWatermark
from loyalty.commissions.queries.money import ORDER_COLUMNS, PaidOrder, in_money
from loyalty.commissions.rules.references import accrual_reference, accrual_told
from loyalty.commissions.rules.states import Why
from loyalty.commissions.service.capping import within_caps
from loyalty.commissions.service.judging import Claim, judge
from loyalty.commissions.service.undoing import follow_refund, hold_rows, lock_owners, undo
from loyalty.commissions.service.writing import Serials, write
from loyalty.earnings import service as earnings
from loyalty.earnings.service import Earned
from loyalty.kernel.arrays import SentArray
from loyalty.orders.models import Order
from loyalty.stores.queries import names

PAGE = 1_000
OVERLAP = timedelta(minutes=15)
"""Longer than any transaction that records an order."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Up to which order all were looked at."""

    recorded_at: datetime
    order_id: int


@dataclass(frozen=True, slots=True)
class Accrued:
    """What a page came to; ``last`` is where the next one begins, or nothing when this was the last."""

    orders: int
    commissions: int
    amount_fen: int
    last: Place | None


def first_place(session: Session, *, overlap: timedelta = OVERLAP) -> Place:
    """Return where a run begins: somewhat before the watermark."""
    mark = session.execute(select(CommissionWatermark.recorded_at)).scalar_one()
    return Place(mark - overlap, 0)


def accrue_page(session: Session, *, after: Place, at: datetime, zone: ZoneInfo) -> Accrued:
    """Note what the next orders earn (计佣), and move the watermark behind them.

    Repeating it, or running it twice at once, earns nothing twice.
    """
    reached = _hold_watermark(session)
    rows = _page(session, after, at)
    if not rows:
        return Accrued(0, 0, 0, None)
    last = Place(rows[-1].recorded_at, rows[-1].id)
    versions = _known_versions(session, [row.id for row in rows])
    unknown = [row for row in rows if versions.get(row.id) != row.version]
    orders = list(in_money(session, rows=unknown).values()) if unknown else []
    earned = _accrue(session, orders, set(versions), at, zone)
    if last > reached:
        session.execute(update(CommissionWatermark).values(recorded_at=last.recorded_at, order_id=last.order_id))
    return Accrued(len(rows), len(earned), sum(one.amount_fen for one in earned), last)


def _hold_watermark(session: Session) -> Place:
    mark = CommissionWatermark
    row = session.execute(select(mark.recorded_at, mark.order_id).with_for_update()).one()
    return Place(row.recorded_at, row.order_id)


def _page(session: Session, after: Place, at: datetime) -> Sequence[Any]:
    return session.execute(
        select(*ORDER_COLUMNS)
        .where(
            tuple_(Order.recorded_at, Order.id) > (after.recorded_at, after.order_id),
            Order.recorded_at <= at,
            Order.version > 0,
        )
        .order_by(Order.recorded_at, Order.id)
        .limit(PAGE)
    ).all()


def _known_versions(session: Session, order_ids: Sequence[int]) -> Mapping[int, int]:
    return {row.order_id: row.version for row in session.execute(_KNOWN, {"order_ids": order_ids})}


def _accrue(
    session: Session, orders: Sequence[PaidOrder], known: set[int], at: datetime, zone: ZoneInfo
) -> Sequence[Earned]:
    claims = judge(session, orders=orders, at=at, zone=zone)
    versions = {order.id: order.version for order in orders if order.id in known}
    held = hold_rows(session, Commission.order_id.in_(versions)) if versions else ()
    corrected = [one for one in held if one.order_version < versions[one.order_id]]
    earners = [claim.member_id for claim in claims if claim.reason is None]
    lock_owners(session, commissions=corrected, and_of=earners, at=at)
    for commission in corrected:
        undo(session, commission=commission, left_fen=0, reason=Why.CORRECTED, at=at)
    final = within_caps(session, claims=claims)
    serials = write(session, claims=final, at=at)
    paying = [claim for claim in final if claim.reason is None and _key(claim) in serials]
    stores = names(session, {claim.order.store_id for claim in paying if claim.order.store_id is not None})
    earned = [_earned(claim, serials, stores, zone) for claim in paying]
    earnings.accrue_many(session, earned=earned, at=at)
    for order in orders:
        if order.has_refunds:
            follow_refund(session, order_id=order.id, at=at)
    return earned


def _key(claim: Claim) -> tuple[int, int]:
    return claim.order.id, claim.level


def _earned(claim: Claim, serials: Serials, stores: Mapping[int, str], zone: ZoneInfo) -> Earned:
    order = claim.order
    return Earned(
        member_id=claim.member_id,
        amount_fen=claim.amount_fen,
        reference=accrual_reference(order.id, claim.level, serials[_key(claim)]),
        explanation=accrual_told(
            order_id=order.id,
            level=claim.level,
            plan_id=claim.view.id,
            store_name=None if order.store_id is None else stores[order.store_id],
            paid_at=order.paid_at.astimezone(zone),
            terms=claim.terms,
            limited_by=claim.limited_by,
        ),
        occurred_at=order.paid_at,
    )


_KNOWN = (
    select(Commission.order_id, func.max(Commission.order_version).label("version"))
    .where(Commission.order_id == any_(bindparam("order_ids", type_=SentArray(BigInteger()))))
    .group_by(Commission.order_id)
)
