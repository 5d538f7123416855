"""The one function that moves a payout on what WeChat Pay says: answers, polls and callbacks all come here.

Under the row's lock and only forward, so that whoever comes second, late or out of order changes nothing. What cannot
be true together is never settled by itself; it is kept for people to look at.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferAnswer, TransferOutcome, TransferState
from loyalty.payouts.models import Payout
from loyalty.payouts.queries.payouts import trying_since
from loyalty.payouts.rules.states import (
    FINAL,
    NEXT,
    STUCK_AFTER,
    UNSENT,
    PayoutState,
    ReturnReason,
    Standing,
    Step,
    next_step,
    poll_at,
    state_of,
)
from loyalty.payouts.service import pausing, returning
from loyalty.payouts.service.records import SYSTEM, lock_payout, note
from loyalty.payouts.service.returning import Held

log = structlog.get_logger("loyalty.payouts")

_RETURNING = frozenset({TransferState.FAIL, TransferState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Told:
    """What WeChat Pay said about a payout, and as the answer to what."""

    answer: TransferAnswer
    step: Step | None = None
    """Empty for a callback."""
    step_number: int | None = None
    is_our_payee: bool = True
    """Whether the bill names the openid of our order, as far as it names one."""

    @property
    def source(self) -> str:
        """How the history names it."""
        return "noticed" if self.step is None else f"answered:{self.step}"


def tell(session: Session, *, payout_id: int, told: Told, zone: ZoneInfo, at: datetime) -> PayoutState:
    """Move a payout by what WeChat Pay says; return where it stands now.

    Raises:
        PayoutNotFound: there is no such payout.
    """
    held = _hold(session, payout_id, told.answer, at)
    payout = held.payout
    before, answer = PayoutState(payout.state), told.answer
    if answer.outcome is TransferOutcome.TOLD and answer.state is not None:
        _follow(session, held, told, answer.state, zone, at)
    elif answer.outcome is TransferOutcome.UNKNOWN_BILL:
        _unknown_bill(session, held, told, zone, at)
    else:
        _unclear(session, payout, told, at)
    if told.step is not None and payout.step_number == told.step_number:
        _schedule(payout, told.step, at)
    note(
        session,
        payout,
        told.source,
        before=before,
        outcome=f"{answer.outcome}:{answer.state}" if answer.state else answer.outcome,
        code=answer.code,
        fail_reason=answer.fail_reason,
        at=at,
    )
    return PayoutState(payout.state)


def standing_of(payout: Payout) -> Standing:
    """Return what decides a payout's next step."""
    return Standing(
        state=PayoutState(payout.state),
        is_cleared=payout.is_cleared,
        is_cancel_wanted=payout.cancel_wanted_at is not None,
        has_package=payout.package_info is not None,
    )


def _hold(session: Session, payout_id: int, answer: TransferAnswer, at: datetime) -> Held:
    """Hold the account as well where money may go back to it: accounts are locked before payouts."""
    if answer.state in _RETURNING or answer.outcome is TransferOutcome.UNKNOWN_BILL:
        return returning.hold(session, payout_id=payout_id, at=at)
    payout = lock_payout(session, payout_id)
    return Held(payout, payout.member_id)


def _follow(session: Session, held: Held, told: Told, state: TransferState, zone: ZoneInfo, at: datetime) -> None:
    payout, answer = held.payout, told.answer
    after, reason = state_of(state, answer.fail_reason)
    if problem := _contradiction(payout, told, after):
        _mark(payout, problem)
        return
    payout.transfer_bill_no = answer.transfer_bill_no or payout.transfer_bill_no
    before = PayoutState(payout.state)
    if before in FINAL:
        return
    if told.step is Step.QUERY and payout.step_number == told.step_number:
        payout.is_cleared = True
    if after in NEXT[before]:
        payout.fail_reason = answer.fail_reason
        if reason is not None:
            returning.give_back(session, held, reason=reason, zone=zone, at=at)
            return
        _go_on(payout, after, at)
    if answer.package_info is not None and payout.state == PayoutState.WAITING_CONFIRM:
        payout.package_info = answer.package_info


def _go_on(payout: Payout, after: PayoutState, at: datetime) -> None:
    payout.state = after
    if after is PayoutState.WAITING_CONFIRM:
        payout.offered_at = payout.offered_at or at
    if after is PayoutState.SUCCESS:
        payout.settled_at, payout.due_at, payout.package_info = at, None, None


def _contradiction(payout: Payout, told: Told, after: PayoutState) -> str | None:
    """Return what cannot be true together with what we know."""
    answer = told.answer
    if payout.state in (PayoutState.NEW, PayoutState.AWAITING_APPROVAL):
        return "known_before_sent"
    if answer.amount_fen is not None and answer.amount_fen != payout.net_fen:
        return "amount_differs"
    if not told.is_our_payee:
        return "payee_differs"
    if None not in (answer.transfer_bill_no, payout.transfer_bill_no) and (
        answer.transfer_bill_no != payout.transfer_bill_no
    ):
        return "transfer_bill_no_differs"
    has_ended_otherwise = payout.state in FINAL and after in FINAL and after != payout.state
    never_was = payout.state == PayoutState.RETURNED and payout.transfer_bill_no is None
    if has_ended_otherwise or (never_was and after is not PayoutState.RETURNED):
        return f"{payout.state}_but_{after}"
    return None


def _mark(payout: Payout, problem: str) -> None:
    payout.contradiction = payout.contradiction or problem
    log.error("payout_contradicted", payout_id=payout.id, state=payout.state, problem=problem)


def _unknown_bill(session: Session, held: Held, told: Told, zone: ZoneInfo, at: datetime) -> None:
    """WeChat Pay knows no such bill. Only the answer to the latest call counts: an older one may be overtaken."""
    payout = held.payout
    is_latest = told.step is Step.QUERY and payout.step_number == told.step_number
    if not is_latest or payout.state not in UNSENT:
        if payout.state not in FINAL and payout.transfer_bill_no is not None:
            _mark(payout, "bill_vanished")
        return
    reason = _reason_to_give_up(session, payout, at)
    if reason is not None:
        returning.give_back(session, held, reason=reason, zone=zone, at=at)
        return
    payout.state, payout.is_cleared = PayoutState.UNKNOWN, True


def _reason_to_give_up(session: Session, payout: Payout, at: datetime) -> ReturnReason | None:
    """Return why a bill that WeChat Pay does not know is not sent again: called back, refused, tried for too long."""
    if payout.cancel_wanted_at is not None:
        return ReturnReason.CANCELLED
    if payout.is_refused:
        return ReturnReason.REFUSED
    since = None if payout.sent_at is None else trying_since(session, sent_at=payout.sent_at)
    return ReturnReason.REFUSED if since is not None and at - since >= STUCK_AFTER else None


def _unclear(session: Session, payout: Payout, told: Told, at: datetime) -> None:
    if told.step is not Step.SEND or payout.step_number != told.step_number or payout.state in FINAL:
        return
    payout.code = told.answer.code
    outcome = told.answer.outcome
    if payout.state == PayoutState.SENDING:
        payout.state = PayoutState.UNKNOWN
        payout.is_refused = outcome is TransferOutcome.REFUSED
    if outcome is TransferOutcome.NOT_ENOUGH:
        session.flush()
        pausing.pause_for_money(session, payout_id=payout.id, actor=SYSTEM, at=at)


def _schedule(payout: Payout, step: Step, at: datetime) -> None:
    """Set when the next step is due: at once where an answer calls for one, else by the plan of polls."""
    if payout.state in FINAL:
        payout.due_at = None
        return
    following = next_step(standing_of(payout))
    if (step is Step.QUERY and following is not Step.QUERY) or (step is Step.SEND and payout.is_refused):
        payout.due_at = at
        return
    payout.due_at = poll_at(at=at, sent_at=payout.offered_at or payout.sent_at or at, polls=payout.polls)
    payout.polls += 1
