"""Undoing (冲回): what refunds, corrections and frauds take of commissions, from where the money is by now.

While a commission is pending it takes from what is pending, afterwards from what can be withdrawn, and what was paid
out already is owed and paid from what is approved next.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.commissions.models import Commission
from loyalty.commissions.queries.founded import unfounded_of
from loyalty.commissions.queries.money import PaidOrder, paid_orders
from loyalty.commissions.queries.people import Person, people
from loyalty.commissions.queries.plans import plan_of
from loyalty.commissions.rules.limiting import limits_of
from loyalty.commissions.rules.reckoning import left_of, read_parts
from loyalty.commissions.rules.references import accrual_reference, reversal_reference, reversal_told
from loyalty.commissions.rules.states import STANDING, CommissionState, Why
from loyalty.earnings import service as earnings
from loyalty.earnings.posting import lock_accounts
from loyalty.limits import service as limits


def follow_refund(session: Session, *, order_id: int, at: datetime) -> None:
    """Undo what a refunded order earned, as far as nothing is left of it (退款冲佣)."""
    held = hold(session, Commission.order_id == order_id, at=at)
    if held:
        order = paid_orders(session, order_ids=[order_id])[order_id]
        for commission in held:
            if commission.order_version == order.version:  # of a corrected order all is reckoned anew anyway
                undo(session, commission=commission, left_fen=left_by(order, commission), reason=Why.REFUNDED, at=at)


def end_unfounded(session: Session, *, member_id: int, at: datetime) -> None:
    """Undo the commissions whose invitation turned out to be none: fraud, a circle, or one person on both sides."""
    unfounded = unfounded_of(session, member_id=member_id)
    for commission in hold(session, Commission.id.in_(unfounded), at=at) if unfounded else ():
        undo(session, commission=commission, left_fen=0, reason=Why.NOT_INVITED, at=at)


def hold(session: Session, *conditions: Any, at: datetime) -> Sequence[Commission]:
    """Hold the standing commissions that fulfil conditions, and then the accounts of who earned them."""
    held = hold_rows(session, *conditions)
    if held:
        lock_owners(session, commissions=held, at=at)
    return held


def hold_rows(session: Session, *conditions: Any) -> Sequence[Commission]:
    """Hold the same without the accounts."""
    found = (
        select(Commission)
        .where(Commission.state.in_(STANDING), *conditions)
        .order_by(Commission.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return session.scalars(found).all()


def lock_owners(
    session: Session, *, commissions: Sequence[Commission], and_of: Iterable[int] = (), at: datetime
) -> dict[int, Person]:
    """Hold the accounts of who earned commissions, and of others, ascending; return the former by the members' ids."""
    known = dict(people(session, member_ids={one.member_id for one in commissions}, at=at))
    lock_accounts(session, member_ids=[*(person.survivor_id for person in known.values()), *and_of], at=at)
    return known


def left_by(order: PaidOrder, commission: Commission) -> int:
    """Return what the refunds of an order leave of a commission, which is never more than is left of it now."""
    return min(left_of(read_parts(commission.parts), order.lines_left), left_now(commission))


def left_now(commission: Commission) -> int:
    """Return what was not undone."""
    return commission.amount_fen - commission.reversed_fen


def undo(session: Session, *, commission: Commission, left_fen: int, reason: Why, at: datetime) -> None:
    """Undo a commission that the caller holds, down to what is left of it; nothing where no more is undone.

    What a member who is gone had earned was given up with the membership.
    """
    amount_fen = left_now(commission) - left_fen
    if amount_fen <= 0 or commission.state not in STANDING:
        return
    owner = people(session, member_ids=[commission.member_id], at=at)[commission.member_id]
    if owner.is_gone:
        forfeit(session, commission=commission)
        return
    commission.reversed_fen += amount_fen
    if not left_fen:
        commission.state, commission.reason = CommissionState.REVERSED, reason
    session.flush()
    accrual = accrual_reference(commission.order_id, commission.level, commission.serial)
    earnings.reverse(
        session,
        member_id=owner.survivor_id,
        amount_fen=amount_fen,
        reference=reversal_reference(accrual, commission.reversed_fen),
        accrual_reference=accrual,
        explanation=reversal_told(
            order_id=commission.order_id, level=commission.level, paid_on=commission.capped_on, reason=reason
        ),
        at=at,
    )
    plan = plan_of(session, plan_id=commission.plan_id)
    taken = limits_of(plan, member_id=owner.survivor_id, on=commission.capped_on)
    limits.give_back(session, limits=taken, amount=amount_fen)


def forfeit(session: Session, *, commission: Commission) -> None:
    """Note that a commission was given up with the membership."""
    commission.state, commission.reason = CommissionState.FORFEITED, Why.EARNER_GONE
    session.flush()
