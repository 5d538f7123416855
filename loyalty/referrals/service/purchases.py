"""The condition that a friend buys (首单): found by whichever comes later, the purchase or the attribution."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.checkout.deductions import deductions_of
from loyalty.members.queries import family_ids, survivor_of
from loyalty.orders.models import Order
from loyalty.orders.queries import get_order, lines_left_of
from loyalty.orders.rules import amount_of
from loyalty.referrals.models import Referral
from loyalty.referrals.queries.programmes import programme_of
from loyalty.referrals.rules.programme import Purchase
from loyalty.referrals.rules.states import UNSEEN, ReferralState


def waiting_of(session: Session, *, member_id: int) -> int | None:
    """Return the referral by which a member came, whichever of a merged family, if it still lacks a purchase.

    One that has lapsed does too: a purchase that was paid in time may be told late.
    """
    own_id = survivor_of(session, member_id=member_id)
    waiting = select(Referral.id).where(
        Referral.member_id.in_(family_ids(own_id)),
        Referral.state.in_(UNSEEN),
        Referral.lapses_at.is_not(None),
        Referral.order_id.is_(None),
    )
    return session.scalar(waiting.order_by(Referral.id).limit(1))


def fulfil(session: Session, *, referral_id: int, at: datetime) -> None:
    """Look for the purchase that a referral waits for; once it is there, risk is asked when the wait is over.

    A referral that has lapsed goes on when the purchase was paid in time, however late that is told.
    """
    referral = lock_referral(session, referral_id=referral_id)
    if referral.state not in UNSEEN or referral.lapses_at is None or referral.order_id is not None:
        return
    assert referral.programme_id is not None
    programme = programme_of(session, programme_id=referral.programme_id)
    assert programme.purchase is not None
    order_id = _find(session, referral, programme.purchase)
    if order_id is not None:
        session.execute(
            update(Referral)
            .where(Referral.id == referral_id)
            .values(state=ReferralState.ATTRIBUTED, ended_at=None, order_id=order_id, settles_at=at + programme.wait)
            .execution_options(synchronize_session=False)
        )
        session.refresh(referral)


def stands(session: Session, *, order_id: int, purchase: Purchase) -> bool:
    """Tell whether what is left of an order in money still fulfils the condition."""
    order = get_order(session, order_id=order_id)
    left = lines_left_of(session, order=order)
    money = deductions_of(session, order_id=order_id).money(order.lines, left)
    return amount_of(money) >= purchase.minimum_fen


def lock_referral(session: Session, *, referral_id: int) -> Referral:
    """Hold a referral until the transaction ends, and return it as it is now."""
    held = select(Referral).where(Referral.id == referral_id).with_for_update(key_share=True)
    return session.scalars(held.execution_options(populate_existing=True)).one()


def _find(session: Session, referral: Referral, purchase: Purchase) -> int | None:
    """Return the earliest purchase that fulfils the condition, paid after the invitation and in time."""
    own_id = survivor_of(session, member_id=referral.member_id)
    paid = select(Order.id).where(
        Order.member_id.in_(family_ids(own_id)),
        Order.paid_at >= referral.touched_at,
        Order.paid_at <= referral.lapses_at,
        ~Order.is_refunded,
        Order.amount_fen >= purchase.minimum_fen,
    )
    for order_id in session.scalars(paid.order_by(Order.paid_at, Order.id)):
        if stands(session, order_id=order_id, purchase=purchase):
            return order_id
    return None
