"""What members hear of their money: transfers to confirm, arrived or come back, and commissions they can withdraw."""

from datetime import datetime, timedelta
from functools import partial

from jobs.periodic import PeriodicRun
from jobs.recipients import notify, recipient_of
from loyalty.commissions.service.telling import tell_approved
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.notices.rules import NoticeKind
from loyalty.payouts.queries.payouts import PayoutView, get_payout
from loyalty.payouts.rules.names import reference_of
from loyalty.payouts.rules.states import CONFIRM_WITHIN, PayoutState
from loyalty.payouts.rules.words import told_member

DAYS_TOLD = 3
"""A day whose run was missed is made up for by those of the days after."""


def tell_offered(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member until when to confirm a transfer, unless they have done so, or it was called back."""
    payout = get_payout(session, payout_id=payload["payout_id"])
    if payout.state is not PayoutState.WAITING_CONFIRM or payout.is_cancel_wanted:
        return
    until = (payout.offered_at or at) + CONFIRM_WITHIN
    facts = {"net_fen": payout.net_fen, "confirm_until": until.isoformat()}
    acted_at = payout.requested_at if payout.batch_id is None else None
    _tell(session, container, payout, NoticeKind.PAYOUT_OFFERED, facts, at, acted_at=acted_at)


def tell_succeeded(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member that a transfer has arrived, and what was withheld of it."""
    payout = get_payout(session, payout_id=payload["payout_id"])
    facts = {
        "gross_fen": payout.gross_fen,
        "tax_fen": payout.tax_fen,
        "net_fen": payout.net_fen,
        "occurred_at": (payout.settled_at or at).isoformat(),
    }
    _tell(session, container, payout, NoticeKind.PAYOUT_SUCCEEDED, facts, at)


def tell_returned(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Tell a member why a withdrawal came back."""
    payout = get_payout(session, payout_id=payload["payout_id"])
    reason = told_member(
        state=payout.state,
        destination=payout.destination,
        points=payout.points,
        return_reason=payout.return_reason,
        fail_reason=payout.fail_reason,
    )
    facts = {
        "gross_fen": payout.gross_fen,
        "reason": reason,
        "occurred_at": (payout.settled_at or at).isoformat(),
    }
    _tell(session, container, payout, NoticeKind.PAYOUT_RETURNED, facts, at)


def tell_approved_commissions(periodic: PeriodicRun) -> Json:
    """Tell members what commissions of the last days they can withdraw, in one message for a day."""
    container, at, notices_count = periodic.container, periodic.container.clock.now(), 0
    for days_ago in range(DAYS_TOLD, 0, -1):
        tell = partial(tell_approved, on=periodic.business_on - timedelta(days=days_ago), zone=container.zone, at=at)
        after_id: int | None = 0
        while after_id is not None:
            page = run(container.database, partial(tell, after_id=after_id))
            after_id, notices_count = page.last_id, notices_count + page.notices_count
            periodic.beat()
    return {"notices": notices_count}


def _tell(
    session: Session,
    container: Container,
    payout: PayoutView,
    kind: NoticeKind,
    facts: Json,
    at: datetime,
    *,
    acted_at: datetime | None = None,
) -> None:
    member = recipient_of(session, container, payout.member_id)
    if member is not None:
        subject = reference_of(payout.id)
        notify(session, container, member, kind=kind, subject=subject, facts=facts, at=at, acted_at=acted_at)
