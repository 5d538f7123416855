"""Approving (结算): what was earned can be withdrawn once the refund window is over and nothing speaks against it.

It is held against its order once more, so that no refund that came beside the accrual is missed. What waits for risk, a
person, a channel or a correction stays pending and is looked at again by the next run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from loyalty.commissions.models import Commission
from loyalty.commissions.queries.founded import unfounded_among
from loyalty.commissions.queries.grounds import waiting_among
from loyalty.commissions.queries.money import PaidOrder, paid_orders
from loyalty.commissions.queries.people import Person, people
from loyalty.commissions.rules.references import accrual_reference, approval_told
from loyalty.commissions.rules.states import CommissionState, Why
from loyalty.commissions.service.undoing import forfeit, left_by, left_now, lock_owners, undo
from loyalty.earnings import service as earnings
from loyalty.earnings.service import Earned

PAGE = 500


@dataclass(frozen=True, slots=True)
class Approved:
    """What a page came to; ``last`` is where the next one begins, or nothing when this was the last."""

    approved: int
    waiting: int
    last: tuple[datetime, int] | None


@dataclass(frozen=True, slots=True)
class _Facts:
    orders: Mapping[int, PaidOrder]
    owners: Mapping[int, Person]
    friends: Mapping[int, Person]
    unfounded: Collection[int]
    waiting: Collection[int]
    """What rests on an invitation that risk did not let pass, or whose channel is off."""


def approve_page(session: Session, *, after: tuple[datetime, int] | None, at: datetime) -> Approved:
    """Approve the next commissions that are due; somebody else's page is passed over."""
    held = _page(session, after, at)
    if not held:
        return Approved(0, 0, None)
    facts = _facts(session, held, at)
    due = [commission for commission in held if _is_clear(session, commission, facts, at)]
    approved = [one for one in due if one.state == CommissionState.PENDING]
    earnings.approve_many(session, earned=[_earned(one, facts.owners, at) for one in approved], at=at)
    session.execute(
        update(Commission)
        .where(Commission.id.in_([one.id for one in approved]))
        .values(state=CommissionState.APPROVED, approved_at=at)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    return Approved(len(approved), len(held) - len(due), (held[-1].approves_at, held[-1].id))


def _page(session: Session, after: tuple[datetime, int] | None, at: datetime) -> Sequence[Commission]:
    due = select(Commission).where(Commission.state == CommissionState.PENDING, Commission.approves_at <= at)
    if after is not None:
        due = due.where(tuple_(Commission.approves_at, Commission.id) > after)
    return session.scalars(
        due.order_by(Commission.approves_at, Commission.id)
        .limit(PAGE)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def _facts(session: Session, held: Sequence[Commission], at: datetime) -> _Facts:
    commission_ids = [one.id for one in held]
    return _Facts(
        orders=paid_orders(session, order_ids={one.order_id for one in held}),
        owners=lock_owners(session, commissions=held, at=at),
        friends=people(session, member_ids={one.referee_id for one in held}, at=at),
        unfounded=unfounded_among(session, commission_ids=commission_ids),
        waiting=waiting_among(session, commission_ids=commission_ids),
    )


def _is_clear(session: Session, commission: Commission, facts: _Facts, at: datetime) -> bool:
    """Tell whether nothing has to be waited for; what must be undone first, wholly or in part, is undone."""
    order, owner = facts.orders[commission.order_id], facts.owners[commission.member_id]
    if owner.is_gone:
        forfeit(session, commission=commission)
        return True
    if order.version != commission.order_version:
        return False
    is_founded = commission.id not in facts.unfounded
    left, reason = (left_by(order, commission), Why.REFUNDED) if is_founded else (0, Why.NOT_INVITED)
    undo(session, commission=commission, left_fen=left, reason=reason, at=at)
    is_held = commission.id in facts.waiting
    return not left or not (is_held or owner.is_blocked or facts.friends[commission.referee_id].is_blocked)


def _earned(commission: Commission, owners: Mapping[int, Person], at: datetime) -> Earned:
    reference = accrual_reference(commission.order_id, commission.level, commission.serial)
    told = approval_told(order_id=commission.order_id, level=commission.level, paid_on=commission.capped_on)
    return Earned(owners[commission.member_id].survivor_id, left_now(commission), reference, told, at)
