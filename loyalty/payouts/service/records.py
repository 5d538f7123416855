"""Writing what happens to payouts: the history of moves, and what other modules hear."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.clock import business_date
from loyalty.limits.rules import ALL, Limit, day_of, member_entity
from loyalty.payouts.models import Payout, PayoutMove
from loyalty.payouts.rules.errors import PayoutNotFound
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.rules.states import PayoutState

SYSTEM = "system:payouts"
WANTED = "payout.requested"
"""The event that lets a worker take the next step at once."""
_TOLD_OF = {
    PayoutState.WAITING_CONFIRM: "payout.offered",
    PayoutState.SUCCESS: "payout.succeeded",
    PayoutState.RETURNED: "payout.returned",
}


def lock_payout(session: Session, payout_id: int) -> Payout:
    """Hold a payout until the transaction ends, and return it as it is now.

    Raises:
        PayoutNotFound: there is none.
    """
    payout = session.scalars(
        select(Payout)
        .where(Payout.id == payout_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).first()
    if payout is None:
        raise PayoutNotFound(payout_id=payout_id)
    return payout


def enter(session: Session, values: Mapping[str, Any], what: str) -> int:
    """Write a payout, and how its history begins; return its id."""
    payout_id = session.execute(insert(Payout).values(**values).returning(Payout.id)).scalar_one()
    payout = lock_payout(session, payout_id)
    before = PayoutState(payout.state)
    note(session, payout, what, before=before, actor=payout.requested_by, at=payout.requested_at)
    return payout_id


def note(
    session: Session,
    payout: Payout,
    what: str,
    *,
    before: PayoutState,
    at: datetime,
    actor: str = SYSTEM,
    outcome: str | None = None,
    code: str | None = None,
    fail_reason: str | None = None,
) -> None:
    """Append to the history of a payout, and tell other modules where it has come to a state they care for."""
    session.flush()
    session.execute(
        insert(PayoutMove).values(
            payout_id=payout.id,
            what=what,
            state_before=before,
            state_after=payout.state,
            step_number=payout.step_number,
            outcome=outcome,
            code=code,
            fail_reason=fail_reason,
            actor=actor,
            moved_at=at,
        )
    )
    if payout.state != before and payout.state in _TOLD_OF:
        payload = {"payout_id": payout.id, "member_id": payout.member_id}
        outbox.record(session, _TOLD_OF[PayoutState(payout.state)], payload, at=at)


def wake(session: Session, payout_id: int, *, at: datetime) -> None:
    """Let a worker take the next step at once."""
    outbox.record(session, WANTED, {"payout_id": payout_id}, at=at)


def limits_of(programme: PayoutProgramme, *, member_id: int, requested_at: datetime, zone: ZoneInfo) -> list[Limit]:
    """Return the limits that a payout counts for: of the member, and of everybody, on the day it was asked for."""
    day = day_of(business_date(requested_at, zone))
    return [
        Limit("payouts", member_entity(member_id), day, programme.member_day_fen, "payout_member_day"),
        Limit("payouts", ALL, day, programme.day_fen, "payout_day"),
    ]
