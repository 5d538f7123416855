"""Decisions of people about a payout: the second person's approval, and calling it back."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.approvals import queries as approval_queries
from loyalty.approvals import service as approvals
from loyalty.approvals.rules import ApprovalKind
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.payouts.models import Payout
from loyalty.payouts.rules.errors import PayoutHeldByRisk, PayoutNotAwaitingApproval, PayoutNotCancellable
from loyalty.payouts.rules.names import reference_of
from loyalty.payouts.rules.states import BEFORE_SENDING, CANCELLABLE, FINAL, PayoutState, ReturnReason
from loyalty.payouts.service import returning
from loyalty.payouts.service.records import SYSTEM, note, wake
from loyalty.payouts.service.risking import is_held

_KNOWN_TO_WECHAT = frozenset({PayoutState.ACCEPTED, PayoutState.WAITING_CONFIRM})


def decide(session: Session, *, payout_id: int, is_approved: bool, zone: ZoneInfo, actor: Actor, at: datetime) -> None:
    """Let a payout go, or give its money back (复核); never by who asked for it.

    Raises:
        PayoutNotFound: there is none.
        PayoutNotAwaitingApproval: it does not wait for approval.
        PayoutHeldByRisk: it may be refused, but not let go: risk has the word first, and the blocklist the last.
        ApprovalByMaker, ApprovalDecided: the decider asked for it, or somebody was faster.
    """
    held = returning.hold(session, payout_id=payout_id, at=at)
    payout = held.payout
    if payout.state != PayoutState.AWAITING_APPROVAL:
        raise PayoutNotAwaitingApproval(payout_id=payout_id)
    if is_approved and is_held(session, payout=payout, at=at):
        raise PayoutHeldByRisk(payout_id=payout_id)
    _decide_request(session, payout, is_approved=is_approved, actor=actor, at=at)
    if is_approved:
        payout.state, payout.due_at = PayoutState.NEW, at
        wake(session, payout.id, at=at)
    else:
        returning.give_back(session, held, reason=ReturnReason.REJECTED, zone=zone, at=at)
    what = "approved" if is_approved else "rejected"
    note(session, payout, what, before=PayoutState.AWAITING_APPROVAL, actor=actor.name, at=at)


def cancel(session: Session, *, payout_id: int, zone: ZoneInfo, actor: Actor, at: datetime) -> PayoutState:
    """Call a payout back (撤销): at once while nothing was sent, else as soon as WeChat Pay agrees.

    Again it changes nothing. Whether the member was faster with the confirmation is what WeChat Pay says in the end.

    Raises:
        PayoutNotFound: there is none.
        PayoutNotCancellable: it has ended, or the money is moving.
    """
    held = returning.hold(session, payout_id=payout_id, at=at)
    payout = held.payout
    before = PayoutState(payout.state)
    if payout.cancel_wanted_at is not None and before not in FINAL:
        return before
    if before in BEFORE_SENDING or (before is PayoutState.UNKNOWN and payout.is_cleared):
        if before is PayoutState.AWAITING_APPROVAL:
            _decide_request(session, payout, is_approved=False, actor=Actor(SYSTEM), at=at)
        returning.give_back(session, held, reason=ReturnReason.CANCELLED, zone=zone, at=at)
    elif before not in CANCELLABLE:
        raise PayoutNotCancellable(state=before)
    else:
        payout.cancel_wanted_at = at
        if before in _KNOWN_TO_WECHAT:  # a create that may still be under way is asked for in its own time
            payout.due_at = at
            wake(session, payout.id, at=at)
    note(session, payout, "cancelled", before=before, actor=actor.name, at=at)
    audit.write(
        session,
        actor=actor,
        action="payouts.cancel",
        subject=reference_of(payout.id),
        before={"state": before},
        after={"state": payout.state},
        at=at,
    )
    return PayoutState(payout.state)


def _decide_request(session: Session, payout: Payout, *, is_approved: bool, actor: Actor, at: datetime) -> None:
    asked = approval_queries.find_latest(session, kind=ApprovalKind.PAYOUT, subject=reference_of(payout.id))
    assert asked is not None, "what awaits approval was asked for"
    approvals.decide(session, approval_id=asked.id, is_approved=is_approved, actor=actor, at=at)
