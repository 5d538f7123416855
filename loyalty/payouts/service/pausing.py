"""Pausing (暂停打款): nothing is sent while the merchant's account is short, or while staff say so."""

from datetime import datetime

import structlog
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.payouts.models import PayoutPause
from loyalty.payouts.rules.errors import QueueNotPaused

log = structlog.get_logger("loyalty.payouts")
NOT_ENOUGH, BY_STAFF = "not_enough", "by_staff"
_SUBJECT = "payouts:queue"


def pause_for_money(session: Session, *, payout_id: int, actor: str, at: datetime) -> None:
    """Send nothing more until staff have topped up the merchant's account and say so."""
    if _pause(session, reason=NOT_ENOUGH, payout_id=payout_id, actor=actor, at=at):
        log.error("payouts_paused", reason=NOT_ENOUGH, payout_id=payout_id)


def pause(session: Session, *, actor: Actor, at: datetime) -> None:
    """Send nothing more until somebody resumes; queries and cancels go on. Again it changes nothing."""
    if _pause(session, reason=BY_STAFF, payout_id=None, actor=actor.name, at=at):
        audit.write(session, actor=actor, action="payouts.pause", subject=_SUBJECT, at=at)


def resume(session: Session, *, actor: Actor, at: datetime) -> None:
    """Send again what has waited, each under the number it had.

    Raises:
        QueueNotPaused: nothing is paused.
    """
    resumed = session.execute(
        update(PayoutPause)
        .where(PayoutPause.is_open)
        .values(is_open=False, resumed_by=actor.name, resumed_at=at)
        .returning(PayoutPause.reason)
        .execution_options(synchronize_session=False)
    ).first()
    if resumed is None:
        raise QueueNotPaused
    audit.write(
        session, actor=actor, action="payouts.resume", subject=_SUBJECT, before={"reason": resumed.reason}, at=at
    )


def _pause(session: Session, *, reason: str, payout_id: int | None, actor: str, at: datetime) -> bool:
    paused = session.execute(
        insert(PayoutPause)
        .values(reason=reason, payout_id=payout_id, paused_by=actor, paused_at=at)
        .on_conflict_do_nothing()
        .returning(PayoutPause.id)
    ).first()
    return paused is not None
