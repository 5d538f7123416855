"""Electronic receipts: asked for once, followed through lost and late answers, handed out only as announced."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.null_pay import NullWechatPay
from loyalty.gateways.pay_protocols import ReceiptAnswer, ReceiptState, TransferOutcome
from loyalty.kernel.audit import list_entries
from loyalty.kernel.database import Database
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.queries.receipts import ReceiptView, find_receipt, list_due_receipts
from loyalty.payouts.rules.receipts import (
    ReceiptLapsed,
    ReceiptNotReady,
    ReceiptProblem,
    ReceiptStage,
    ReceiptUnavailable,
)
from loyalty.payouts.service.receipts import Desk, begin, fetch_receipt, finish, request_receipt, step
from tests.factories.payouts import STAFF, Earner, ask
from tests.factories.receipts import arrive
from tests.support.containers import StandingClock
from tests.support.events import recorded

UNCLEAR = ReceiptAnswer(TransferOutcome.UNCLEAR, code="ReadTimeout")
GENERATING = ReceiptAnswer(TransferOutcome.TOLD, state=ReceiptState.GENERATING)


@pytest.fixture
def pay() -> NullWechatPay:
    return NullWechatPay()


@pytest.fixture
def desk(database: Database, pay: NullWechatPay, clock: StandingClock) -> Desk:
    return Desk(database, pay, clock.now)


@pytest.fixture
def payout(session: Session, database: Database, pay: NullWechatPay, clock: StandingClock) -> PayoutView:
    return arrive(session, database, pay, clock)


@pytest.fixture
def wanted(session: Session, clock: StandingClock, payout: PayoutView) -> PayoutView:
    """A payout whose receipt was asked for."""
    request_receipt(session, payout_id=payout.id, actor=STAFF, at=clock.now())
    return payout


def receipt_of(session: Session, payout: PayoutView) -> ReceiptView:
    found = find_receipt(session, payout_id=payout.id)
    assert found is not None
    return found


def finished(session: Session, desk: Desk, pay: NullWechatPay, clock: StandingClock, payout: PayoutView) -> None:
    step(desk, payout_id=payout.id)
    pay.end_receipt(payout.out_bill_no, ReceiptState.FINISHED)
    clock.advance(minutes=2)
    step(desk, payout_id=payout.id)
    assert receipt_of(session, payout).stage is ReceiptStage.FINISHED


class TestRequests:
    def test_twice_are_one(self, session: Session, clock: StandingClock, wanted: PayoutView) -> None:
        request_receipt(session, payout_id=wanted.id, actor=STAFF, at=clock.now())

        assert recorded(session, "payout.receipt_requested") == [{"payout_id": wanted.id}]
        assert len(list_entries(session, action="payouts.request_receipt")) == 1

    def test_of_what_has_not_arrived_or_carried_no_name_are_refused(
        self, session: Session, database: Database, pay: NullWechatPay, clock: StandingClock, earner: Earner
    ) -> None:
        nameless = arrive(session, database, pay, clock, amount_fen=199_999)

        for payout in (ask(session, earner), nameless):
            with pytest.raises(ReceiptUnavailable):
                request_receipt(session, payout_id=payout.id, actor=STAFF, at=clock.now())


class TestLife:
    def test_it_is_asked_for_followed_every_two_minutes_at_most_and_made(
        self, session: Session, desk: Desk, pay: NullWechatPay, clock: StandingClock, wanted: PayoutView
    ) -> None:
        assert [step(desk, payout_id=wanted.id) for _ in range(2)] == [True, False]
        assert receipt_of(session, wanted).stage is ReceiptStage.GENERATING
        clock.advance(minutes=1, seconds=59)
        assert list_due_receipts(session, at=clock.now(), limit=9) == []

        pay.end_receipt(wanted.out_bill_no, ReceiptState.FINISHED)
        clock.advance(seconds=1)
        assert list_due_receipts(session, at=clock.now(), limit=9) == [wanted.id]
        assert step(desk, payout_id=wanted.id)

        made = receipt_of(session, wanted)
        assert (made.stage, len(made.sha256 or "")) == (ReceiptStage.FINISHED, 64)
        assert not step(desk, payout_id=wanted.id)
        assert (pay.applied, pay.asked) == ([wanted.out_bill_no], [wanted.out_bill_no])

    @pytest.mark.parametrize("was_applied", [True, False])
    def test_after_a_lost_answer_it_is_looked_for_before_it_is_asked_for_again(
        self,
        session: Session,
        desk: Desk,
        pay: NullWechatPay,
        clock: StandingClock,
        wanted: PayoutView,
        was_applied: bool,
    ) -> None:
        pay.receipt_answers.append(UNCLEAR)
        pay.loses_applications = was_applied
        step(desk, payout_id=wanted.id)
        assert receipt_of(session, wanted).stage is ReceiptStage.ASKED

        for _ in range(2):
            clock.advance(hours=1)
            step(desk, payout_id=wanted.id)

        assert receipt_of(session, wanted).stage is ReceiptStage.GENERATING
        assert len(pay.applied) == (1 if was_applied else 2)
        assert pay.asked[0] == wanted.out_bill_no

    def test_a_worker_that_dies_before_its_call_is_followed_by_another_and_its_late_answer_is_nothing(
        self, session: Session, desk: Desk, pay: NullWechatPay, clock: StandingClock, wanted: PayoutView
    ) -> None:
        begun = begin(session, payout_id=wanted.id, at=clock.now())
        assert begun is not None
        assert not step(desk, payout_id=wanted.id)

        clock.advance(minutes=2)
        assert step(desk, payout_id=wanted.id)
        assert (pay.applied, pay.asked) == ([], [wanted.out_bill_no])
        refused = ReceiptAnswer(TransferOutcome.REFUSED, code="INVALID_REQUEST")
        finish(session, begun=begun, answer=refused, at=clock.now())

        assert receipt_of(session, wanted).stage is ReceiptStage.WANTED

    def test_a_refusal_is_kept_in_the_platforms_words_and_may_be_tried_again(
        self, session: Session, desk: Desk, pay: NullWechatPay, clock: StandingClock, wanted: PayoutView
    ) -> None:
        words = "仅支持六个月内的转账单据申请电子回单"
        pay.receipt_answers.append(ReceiptAnswer(TransferOutcome.REFUSED, code="INVALID_REQUEST", message=words))
        step(desk, payout_id=wanted.id)
        failed = receipt_of(session, wanted)
        assert (failed.problem, failed.told) == (ReceiptProblem.REFUSED, words)

        request_receipt(session, payout_id=wanted.id, actor=STAFF, at=clock.now())
        step(desk, payout_id=wanted.id)

        assert receipt_of(session, wanted).stage is ReceiptStage.GENERATING

    def test_one_that_the_platform_cannot_make_says_why(
        self, session: Session, desk: Desk, pay: NullWechatPay, clock: StandingClock, wanted: PayoutView
    ) -> None:
        step(desk, payout_id=wanted.id)
        pay.end_receipt(wanted.out_bill_no, ReceiptState.FAILED, fail_reason="系统错误")
        clock.advance(minutes=2)

        step(desk, payout_id=wanted.id)

        failed = receipt_of(session, wanted)
        assert (failed.problem, failed.told) == (ReceiptProblem.NOT_MADE, "系统错误")

    def test_one_that_is_never_made_is_given_up_after_two_days(
        self, session: Session, desk: Desk, pay: NullWechatPay, clock: StandingClock, wanted: PayoutView
    ) -> None:
        for _ in range(60):
            step(desk, payout_id=wanted.id)
            clock.advance(hours=1)

        assert receipt_of(session, wanted).problem is ReceiptProblem.TOO_LONG
        assert 48 <= len(pay.applied) + len(pay.asked) <= 50


class TestDownloads:
    def test_bring_the_file_and_are_audited_with_its_digest(
        self, session: Session, desk: Desk, pay: NullWechatPay, clock: StandingClock, wanted: PayoutView
    ) -> None:
        finished(session, desk, pay, clock, wanted)

        file = fetch_receipt(desk, payout_id=wanted.id, actor=STAFF)

        assert wanted.out_bill_no.encode() in file.content
        assert file.sha256 == receipt_of(session, wanted).sha256
        (entry,) = list_entries(session, action="payouts.download_receipt")
        assert (entry.subject, entry.after) == (f"payout:{wanted.id}", {"sha256": file.sha256})

    def test_of_what_is_not_made_ask_nobody(self, desk: Desk, pay: NullWechatPay, wanted: PayoutView) -> None:
        pay.receipt_files.append(None)

        with pytest.raises(ReceiptNotReady):
            fetch_receipt(desk, payout_id=wanted.id, actor=STAFF)

        assert len(pay.receipt_files) == 1, "what the next download brings is still there"

    def test_of_another_file_than_the_announced_one_bring_nothing(
        self, session: Session, desk: Desk, pay: NullWechatPay, clock: StandingClock, wanted: PayoutView
    ) -> None:
        finished(session, desk, pay, clock, wanted)
        pay.receipt_files.append(WechatUnavailable(interface="elecsign", reason="another digest"))

        with pytest.raises(WechatUnavailable):
            fetch_receipt(desk, payout_id=wanted.id, actor=STAFF)

        assert list_entries(session, action="payouts.download_receipt") == []
        assert fetch_receipt(desk, payout_id=wanted.id, actor=STAFF)

    def test_after_the_platform_has_forgotten_it_say_so_and_let_it_be_asked_for_again(
        self, session: Session, desk: Desk, pay: NullWechatPay, clock: StandingClock, wanted: PayoutView
    ) -> None:
        finished(session, desk, pay, clock, wanted)
        clock.at += timedelta(days=91)
        pay.receipts.clear()

        with pytest.raises(ReceiptLapsed):
            fetch_receipt(desk, payout_id=wanted.id, actor=STAFF)

        assert receipt_of(session, wanted).problem is ReceiptProblem.LAPSED
        request_receipt(session, payout_id=wanted.id, actor=STAFF, at=clock.now())
        finished(session, desk, pay, clock, wanted)
