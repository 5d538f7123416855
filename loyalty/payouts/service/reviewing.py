"""What people said to payouts in the queue of risk (风控审核): released ones go on, reversed ones come back."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.approvals import queries as approval_queries
from loyalty.approvals.rules import ApprovalKind
from loyalty.kernel.audit import Actor
from loyalty.payouts.rules.errors import PayoutNotCancellable
from loyalty.payouts.rules.names import reference_of
from loyalty.payouts.rules.states import FINAL, PayoutState, ReturnReason
from loyalty.payouts.service import deciding, returning
from loyalty.payouts.service.records import SYSTEM, note
from loyalty.payouts.service.risking import find_payout_of, is_held
from loyalty.risk.queries.decisions import DecisionView, get_decision


def follow_release(session: Session, *, decision_id: int, zone: ZoneInfo, at: datetime) -> None:
    """Let a payout go whose only trouble was risk; a large one goes on to its approval. Again it changes nothing.

    The release is the second person's look. It does not reach past the blocklist, or what was reversed since.
    """
    decision = get_decision(session, decision_id=decision_id)
    payout_id = find_payout_of(session, decision=decision)
    if payout_id is None:
        return
    payout = returning.hold(session, payout_id=payout_id, at=at).payout
    if payout.state != PayoutState.AWAITING_APPROVAL or is_held(session, payout=payout, at=at):
        return
    asked = approval_queries.find_latest(session, kind=ApprovalKind.PAYOUT, subject=reference_of(payout_id))
    if asked is not None and not asked.facts["is_large"]:
        decider = _decider(decision)
        deciding.decide(session, payout_id=payout_id, is_approved=True, zone=zone, actor=decider, at=at)


def follow_reversal(session: Session, *, decision_id: int, zone: ZoneInfo, at: datetime) -> None:
    """Give a payout back that was not sent, call back one that was; what moves or has ended stays. Again nothing."""
    decision = get_decision(session, decision_id=decision_id)
    payout_id = find_payout_of(session, decision=decision)
    if payout_id is None:
        return
    held, decider = returning.hold(session, payout_id=payout_id, at=at), _decider(decision)
    state = PayoutState(held.payout.state)
    if state in FINAL:
        return
    if state is PayoutState.AWAITING_APPROVAL:
        deciding.decide(session, payout_id=payout_id, is_approved=False, zone=zone, actor=decider, at=at)
    elif state is PayoutState.NEW:
        returning.give_back(session, held, reason=ReturnReason.REJECTED, zone=zone, at=at)
        note(session, held.payout, "rejected", before=state, actor=decider.name, at=at)
    else:
        try:
            deciding.cancel(session, payout_id=payout_id, zone=zone, actor=decider, at=at)
        except PayoutNotCancellable:
            note(session, held.payout, "reversed_too_late", before=state, actor=decider.name, at=at)


def _decider(decision: DecisionView) -> Actor:
    return Actor(decision.decided_by or SYSTEM)
