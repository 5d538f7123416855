"""Steps of a payout (打款步骤): mark, call, tell; each part is a transaction of its own, the call in none.

A worker that dies between any two of them loses nothing: what it marked falls due again when its lease runs out, and
then begins with a query.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferAnswer, TransferOrder, WechatPay
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.payouts.models import Payout
from loyalty.payouts.queries.payouts import find_pause
from loyalty.payouts.rules.states import SEND_WITHIN, STEP_LEASE, PayoutState, Step, next_step
from loyalty.payouts.service.moving import Told, standing_of, tell
from loyalty.payouts.service.records import lock_payout, note
from loyalty.payouts.service.requesting import find_order

STEPS_MAX = 4
"""Steps that one worker takes in a row: a create that was refused is asked for, and so on; never for ever."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A step that was marked in the database, and may now be called."""

    payout_id: int
    step: Step
    step_number: int
    order: TransferOrder
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class Sender:
    """What steps need: the database, WeChat Pay, the vault, the zone of business dates, and the time of day."""

    database: Database
    pay: WechatPay
    vault: Vault
    zone: ZoneInfo
    time_of_day: Callable[[], datetime]
    """Asked before and after a call, which may take long."""


def drive(sender: Sender, *, payout_id: int) -> int:
    """Take all steps of a payout that are due by now; return how many."""
    for taken in range(STEPS_MAX):
        if not step(sender, payout_id=payout_id):
            return taken
    return STEPS_MAX


def step(sender: Sender, *, payout_id: int) -> bool:
    """Take the next step of a payout; False when none is due, or it is somebody else's.

    Raises:
        PayoutNotFound: there is no such payout.
    """
    at = sender.time_of_day()
    begun = run(sender.database, lambda session: begin(session, vault=sender.vault, payout_id=payout_id, at=at))
    if begun is None:
        return False
    answer = call(sender.pay, begun, at=sender.time_of_day())
    if answer is None:
        return False
    told_at = sender.time_of_day()
    run(sender.database, lambda session: finish(session, begun=begun, answer=answer, zone=sender.zone, at=told_at))
    return True


def begin(session: Session, *, vault: Vault, payout_id: int, at: datetime) -> Begun | None:
    """Mark the next step of a payout, if one is due: from now on it may have happened.

    Raises:
        PayoutNotFound: there is no such payout.
    """
    payout = lock_payout(session, payout_id)
    following = next_step(standing_of(payout))
    if following is None or payout.due_at is None or payout.due_at > at:
        return None
    if following is Step.SEND and find_pause(session) is not None:
        return None
    before = PayoutState(payout.state)
    _mark(payout, following, at)
    note(session, payout, f"begun:{following}", before=before, at=at)
    return Begun(payout.id, following, payout.step_number, _order_of(session, vault, payout), at)


def call(pay: WechatPay, begun: Begun, *, at: datetime) -> TransferAnswer | None:
    """Say to WeChat Pay what was marked; nothing when that is too long ago, since somebody else may be at it."""
    number = begun.order.out_bill_no
    match begun.step:
        case Step.QUERY:
            return pay.query_transfer(number)
        case Step.CANCEL:
            return pay.cancel_transfer(number)
        case Step.SEND:
            return pay.create_transfer(begun.order) if at - begun.begun_at <= SEND_WITHIN else None


def finish(session: Session, *, begun: Begun, answer: TransferAnswer, zone: ZoneInfo, at: datetime) -> PayoutState:
    """Move a payout by the answer to a step."""
    is_our_payee = answer.openid in (None, begun.order.openid)
    told = Told(answer, begun.step, begun.step_number, is_our_payee)
    return tell(session, payout_id=begun.payout_id, told=told, zone=zone, at=at)


def _mark(payout: Payout, following: Step, at: datetime) -> None:
    payout.step_number += 1
    payout.due_at = at + STEP_LEASE
    if following is Step.QUERY:
        if payout.state == PayoutState.SENDING:
            payout.state = PayoutState.UNKNOWN
        return
    payout.is_cleared = False
    if following is Step.SEND:
        payout.sent_at = payout.sent_at or at
        payout.is_refused = False
        if payout.state != PayoutState.WAITING_CONFIRM:
            payout.state = PayoutState.SENDING


def _order_of(session: Session, vault: Vault, payout: Payout) -> TransferOrder:
    order = find_order(session, vault=vault, payout=payout)
    assert order is not None, "what goes to WeChat Pay has frozen parameters, and no member is erased meanwhile"
    return order
