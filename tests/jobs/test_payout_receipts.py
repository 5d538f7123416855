"""Receipts as the outbox and the schedule move them."""

import pytest
from sqlalchemy.orm import Session

from jobs import handlers, periodic
from loyalty.gateways.pay_protocols import ReceiptState
from loyalty.kernel.outbox import OutboxEvent
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.queries.receipts import find_receipt
from loyalty.payouts.rules.receipts import ReceiptStage
from loyalty.payouts.service.receipts import WANTED, request_receipt
from tests.factories.payouts import STAFF
from tests.factories.receipts import arrive
from tests.support.containers import NullContainer, StandingClock
from tests.support.events import recorded


@pytest.fixture
def payout(jobs_container: NullContainer, session: Session, clock: StandingClock) -> PayoutView:
    """A payout whose receipt was asked for."""
    payout = arrive(session, jobs_container.database, jobs_container.wechat_pay, clock)
    request_receipt(session, payout_id=payout.id, actor=STAFF, at=clock.now())
    session.commit()
    return payout


def stage_of(session: Session, payout: PayoutView) -> ReceiptStage | None:
    found = find_receipt(session, payout_id=payout.id)
    return found and found.stage


def test_a_receipt_is_applied_for_at_once_and_once_though_the_event_comes_twice(
    jobs_container: NullContainer, session: Session, payout: PayoutView
) -> None:
    (payload,) = recorded(session, WANTED)
    for _ in range(2):
        handlers.handle(jobs_container, OutboxEvent(id=0, kind=WANTED, payload=payload, attempts=1))

    assert jobs_container.wechat_pay.applied == [payout.out_bill_no]
    assert stage_of(session, payout) is ReceiptStage.GENERATING


def test_a_receipt_is_followed_by_the_schedule_until_it_is_made(
    jobs_container: NullContainer, session: Session, clock: StandingClock, payout: PayoutView
) -> None:
    periodic.perform("take_due_receipt_steps", "2026-03-10T10-00", "2026-03-10")
    jobs_container.wechat_pay.end_receipt(payout.out_bill_no, ReceiptState.FINISHED)
    clock.advance(minutes=5)

    for minute in (5, 10):
        periodic.perform("take_due_receipt_steps", f"2026-03-10T10-{minute:02}", "2026-03-10")

    assert stage_of(session, payout) is ReceiptStage.FINISHED
    assert len(jobs_container.wechat_pay.asked) == 1
