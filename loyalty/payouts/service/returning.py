"""Giving a payout's money back to its member (退回): once, in the transaction that ends the payout.

Locks come in their order: the member and the money account, then the payout, then the limits.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.earnings import service as earnings
from loyalty.limits import service as limits
from loyalty.members.queries import lock_bearer
from loyalty.payouts.models import Payout
from loyalty.payouts.queries.configuration import current_programme
from loyalty.payouts.rules.errors import PayoutNotFound
from loyalty.payouts.rules.names import reference_of
from loyalty.payouts.rules.states import PayoutState, ReturnReason
from loyalty.payouts.service.records import limits_of, lock_payout


@dataclass(frozen=True, slots=True)
class Held:
    """A payout with all that its return would touch, held until the transaction ends."""

    payout: Payout
    bearer_id: int
    """Who gets the money back: the member, or who they were merged into."""


def hold(session: Session, *, payout_id: int, at: datetime) -> Held:
    """Hold a payout and the account that its money would go back to.

    Raises:
        PayoutNotFound: there is none.
    """
    member_id = session.scalar(select(Payout.member_id).where(Payout.id == payout_id))
    if member_id is None:
        raise PayoutNotFound(payout_id=payout_id)
    bearer = lock_bearer(session, member_id=member_id)
    bearer_id = member_id if bearer is None else bearer.id
    earnings.lock(session, member_id=bearer_id, at=at)
    return Held(lock_payout(session, payout_id), bearer_id)


def give_back(session: Session, held: Held, *, reason: ReturnReason, zone: ZoneInfo, at: datetime) -> None:
    """End a payout with its money back in the account, tax included."""
    payout = held.payout
    payout.state, payout.return_reason = PayoutState.RETURNED, reason
    payout.settled_at, payout.due_at, payout.package_info = at, None, None
    session.flush()
    earnings.give_back(
        session,
        member_id=held.bearer_id,
        amount_fen=payout.gross_fen,
        reference=reference_of(payout.id),
        explanation={"payout_id": payout.id, "reason": reason, "tax_fen": payout.tax_fen},
        at=at,
    )
    counted = limits_of(
        current_programme(session), member_id=held.bearer_id, requested_at=payout.requested_at, zone=zone
    )
    limits.give_back(session, limits=counted, amount=payout.gross_fen)
