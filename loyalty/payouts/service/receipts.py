"""Electronic receipts (电子回单): asked for once, followed until made, fetched from WeChat Pay whenever one is wanted.

Ids, stage and digest are kept, never the file. Each part of a step is a transaction of its own, the call in none: what
a worker that died has marked falls due again, and then begins with a query.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import ReceiptAnswer, ReceiptFile, ReceiptState, TransferOutcome, WechatPay
from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.payouts.models import Payout, PayoutReceipt
from loyalty.payouts.queries.payouts import PayoutView, get_payout
from loyalty.payouts.queries.receipts import find_receipt
from loyalty.payouts.rules.names import reference_of
from loyalty.payouts.rules.receipts import (
    ENDED,
    STEP_LEASE,
    WAITED_FOR,
    ReceiptLapsed,
    ReceiptNotReady,
    ReceiptProblem,
    ReceiptStage,
    ReceiptStep,
    ReceiptUnavailable,
    ask_again_at,
    next_receipt_step,
)
from loyalty.payouts.rules.settings import NAME_DEMANDED_FROM_FEN
from loyalty.payouts.rules.states import Destination, PayoutState

WANTED = "payout.receipt_requested"
"""The event that lets a worker take the next step at once."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What steps need: the database, WeChat Pay, and the time of day, asked before and after a call."""

    database: Database
    pay: WechatPay
    time_of_day: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Begun:
    """A step that was marked in the database, and may now be called."""

    payout_id: int
    out_bill_no: str
    step: ReceiptStep
    step_number: int


def request_receipt(session: Session, *, payout_id: int, actor: Actor, at: datetime) -> None:
    """Ask for the receipt of a payout that has arrived; again it changes nothing, unless there was none to be had.

    Raises:
        PayoutNotFound: there is no such payout.
        ReceiptUnavailable: the payout has not arrived, or not in a wallet, or carried no name.
    """
    if not may_have_receipt(get_payout(session, payout_id=payout_id)):
        raise ReceiptUnavailable(payout_id=payout_id)
    wanted = {
        "stage": ReceiptStage.WANTED,
        "problem": None,
        "told": None,
        "polls": 0,
        "due_at": at,
        "requested_by": actor.name,
        "requested_at": at,
        "ended_at": None,
    }
    is_new = session.execute(
        insert(PayoutReceipt)
        .values(payout_id=payout_id, **wanted)
        .on_conflict_do_update(
            index_elements=["payout_id"], set_=wanted, where=PayoutReceipt.stage == ReceiptStage.FAILED
        )
        .returning(PayoutReceipt.payout_id)
        .execution_options(synchronize_session=False)
    ).first()
    if is_new is not None:
        outbox.record(session, WANTED, {"payout_id": payout_id}, at=at)
        audit.write(session, actor=actor, action="payouts.request_receipt", subject=reference_of(payout_id), at=at)


def may_have_receipt(payout: PayoutView) -> bool:
    """Tell whether WeChat Pay makes a receipt of a payout."""
    is_in_wallet = payout.destination is Destination.WECHAT and payout.state is PayoutState.SUCCESS
    return is_in_wallet and payout.net_fen >= NAME_DEMANDED_FROM_FEN


def step(desk: Desk, *, payout_id: int) -> bool:
    """Take the next step of a receipt; False when none is due, or it is somebody else's."""
    begun = run(desk.database, partial(begin, payout_id=payout_id, at=desk.time_of_day()))
    if begun is None:
        return False
    ask = desk.pay.apply_receipt if begun.step is ReceiptStep.APPLY else desk.pay.query_receipt
    answer = ask(begun.out_bill_no)
    run(desk.database, partial(finish, begun=begun, answer=answer, at=desk.time_of_day()))
    return True


def begin(session: Session, *, payout_id: int, at: datetime) -> Begun | None:
    """Mark the next step of a receipt, if one is due: from now on it may have happened."""
    receipt = _lock(session, payout_id)
    if receipt is None or receipt.due_at is None or receipt.due_at > at:
        return None
    following = next_receipt_step(ReceiptStage(receipt.stage))
    assert following is not None, "nothing is due at the end"
    receipt.step_number += 1
    receipt.due_at = at + STEP_LEASE
    if following is ReceiptStep.APPLY:
        receipt.stage = ReceiptStage.ASKED
    return Begun(payout_id, _number_of(session, payout_id), following, receipt.step_number)


def finish(session: Session, *, begun: Begun, answer: ReceiptAnswer, at: datetime) -> None:
    """Move a receipt by the answer to a step; one that comes after the next step has begun changes nothing."""
    receipt = _lock(session, begun.payout_id)
    if receipt is None or receipt.step_number != begun.step_number or receipt.stage in ENDED:
        return
    stage, problem = _told(answer, begun.step, ReceiptStage(receipt.stage))
    if stage not in ENDED and at - receipt.requested_at >= WAITED_FOR:
        stage, problem = ReceiptStage.FAILED, ReceiptProblem.TOO_LONG
    _move(receipt, stage, problem, answer, at)


def fetch_receipt(desk: Desk, *, payout_id: int, actor: Actor) -> ReceiptFile:
    """Return the receipt of a payout as WeChat Pay has it; who took it is audited before it is handed out.

    Raises:
        PayoutNotFound: there is no such payout.
        ReceiptNotReady: it is not made.
        ReceiptLapsed: WeChat Pay no longer has it.
        WechatUnavailable: no answer, or another file than the one that was announced; try later.
    """
    number = run(desk.database, partial(_finished_number, payout_id=payout_id))
    file = desk.pay.fetch_receipt(number)
    note = partial(_handed_out, payout_id=payout_id, file=file, actor=actor, at=desk.time_of_day())
    run(desk.database, note)
    if file is None:
        raise ReceiptLapsed(payout_id=payout_id)
    return file


def _told(answer: ReceiptAnswer, asked: ReceiptStep, stage: ReceiptStage) -> tuple[ReceiptStage, ReceiptProblem | None]:
    is_application = asked is ReceiptStep.APPLY
    match answer.outcome, answer.state:
        case TransferOutcome.TOLD, ReceiptState.FINISHED if answer.sha256 is not None:
            return ReceiptStage.FINISHED, None
        case TransferOutcome.TOLD, ReceiptState.FAILED:
            return ReceiptStage.FAILED, ReceiptProblem.NOT_MADE
        case TransferOutcome.TOLD, _:  # finished without a digest: only a query tells it
            return ReceiptStage.GENERATING, None
        case ((TransferOutcome.REFUSED | TransferOutcome.UNKNOWN_BILL), _) if is_application:
            return ReceiptStage.FAILED, ReceiptProblem.REFUSED
        case TransferOutcome.UNKNOWN_BILL, _:
            return ReceiptStage.WANTED, None
        case _:
            return stage, None


def _move(
    receipt: PayoutReceipt,
    stage: ReceiptStage,
    problem: ReceiptProblem | None,
    answer: ReceiptAnswer,
    at: datetime,
) -> None:
    receipt.stage, receipt.problem = stage, problem
    receipt.told = (answer.fail_reason or answer.message or answer.code) if problem else None
    receipt.sha256 = answer.sha256 if stage is ReceiptStage.FINISHED else None
    receipt.ended_at = at if stage in ENDED else None
    receipt.due_at = None if stage in ENDED else ask_again_at(at=at, polls=receipt.polls)
    receipt.polls += 1


def _finished_number(session: Session, *, payout_id: int) -> str:
    payout = get_payout(session, payout_id=payout_id)
    receipt = find_receipt(session, payout_id=payout_id)
    if receipt is None or receipt.stage is not ReceiptStage.FINISHED:
        raise ReceiptNotReady(payout_id=payout_id)
    return payout.out_bill_no


def _handed_out(session: Session, *, payout_id: int, file: ReceiptFile | None, actor: Actor, at: datetime) -> None:
    if file is not None:
        told, subject = {"sha256": file.sha256}, reference_of(payout_id)
        audit.write(session, actor=actor, action="payouts.download_receipt", subject=subject, after=told, at=at)
        return
    receipt = _lock(session, payout_id)
    if receipt is not None and receipt.stage == ReceiptStage.FINISHED:
        receipt.stage, receipt.problem = ReceiptStage.FAILED, ReceiptProblem.LAPSED
        receipt.sha256, receipt.ended_at = None, at


def _lock(session: Session, payout_id: int) -> PayoutReceipt | None:
    query = select(PayoutReceipt).where(PayoutReceipt.payout_id == payout_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).first()


def _number_of(session: Session, payout_id: int) -> str:
    return session.scalars(select(Payout.out_bill_no).where(Payout.id == payout_id)).one()
