"""Checkout queries: the policy that holds, and the points that pay for an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.checkout.models import PointsPayment, StoredPolicy
from loyalty.checkout.rules import CheckoutPolicy
from loyalty.members.queries import family_of
from loyalty.points.rules import Shortfall


@dataclass(frozen=True, slots=True)
class PaymentView:
    """Points that pay for a part of an order, or are set aside for one."""

    id: int
    member_id: int
    reference: str
    points: int
    amount_fen: int
    order_amount_fen: int
    order_id: int | None
    entry_id: int | None
    returned_points: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """A revision of the policy, and who saved it when."""

    id: int
    policy: CheckoutPolicy
    saved_by: str
    saved_at: datetime


def current_policy(session: Session) -> CheckoutPolicy:
    """Return the policy that holds; that of a new programme, which accepts no points, while none was saved."""
    saved = list_policies(session, limit=1)
    return saved[0].policy if saved else CheckoutPolicy()


def list_policies(session: Session, *, limit: int = 20) -> Sequence[SavedPolicy]:
    """Return the latest revisions of the policy, the one that holds first."""
    rows = session.scalars(select(StoredPolicy).order_by(StoredPolicy.id.desc()).limit(limit))
    return [SavedPolicy(row.id, _policy(row), row.saved_by, row.saved_at) for row in rows]


def find_payment(session: Session, *, member_id: int, reference: str) -> PaymentView | None:
    """Return the points set aside under a reference, also by a member who was merged into this one."""
    owners = family_of(session, member_id=member_id)
    row = session.scalar(
        select(PointsPayment)
        .where(PointsPayment.member_id.in_(owners), PointsPayment.reference == reference)
        .order_by(PointsPayment.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return None if row is None else _view(row)


def find_payment_of_order(session: Session, *, order_id: int) -> PaymentView | None:
    """Return the points that paid for an order, or nothing."""
    row = session.scalar(
        select(PointsPayment).where(PointsPayment.order_id == order_id).execution_options(populate_existing=True)
    )
    return None if row is None else _view(row)


def _policy(row: StoredPolicy) -> CheckoutPolicy:
    return CheckoutPolicy(
        is_accepting_points=row.is_accepting_points,
        points_per_yuan=row.points_per_yuan,
        share_max_percent=row.share_max_percent,
        points_max=row.points_max,
        points_step=row.points_step,
        hold_minutes=row.hold_minutes,
        shortfall=Shortfall(row.shortfall),
    )


def _view(row: PointsPayment) -> PaymentView:
    return PaymentView(
        id=row.id,
        member_id=row.member_id,
        reference=row.reference,
        points=row.points,
        amount_fen=row.amount_fen,
        order_amount_fen=row.order_amount_fen,
        order_id=row.order_id,
        entry_id=row.entry_id,
        returned_points=row.returned_points,
        expires_at=row.expires_at,
    )
