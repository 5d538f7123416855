"""Payouts under fire: whoever comes first, the money is paid once or comes back once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.earnings import service as earnings
from loyalty.earnings.rules import InsufficientEarnings
from loyalty.gateways.pay_protocols import TransferState
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.payouts.queries.payouts import PayoutView, get_payout, list_moves
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service import deciding
from loyalty.payouts.service.sending import Sender, begin, drive, finish
from loyalty.payouts.verification import verify
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import assert_money_fits, figures, make_available
from tests.factories.pay_bank import Bank
from tests.factories.payouts import STAFF, Earner, ask, configure, deliver, make_earner, make_sender
from tests.support.containers import StandingClock
from tests.support.races import at_once
from tests.support.settings import VAULT

TIMES = 8
AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.fixture
def earner(committed_database: Database) -> Earner:
    def make(session: Session) -> Earner:
        configure(session)
        return make_earner(session)

    return run(committed_database, make)


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def sender(committed_database: Database, bank: Bank) -> Sender:
    return make_sender(committed_database, bank, StandingClock(AT + timedelta(hours=1)))


def asked(database: Database, earner: Earner, amount_fen: int = 20_000, key: str = "") -> PayoutView:
    return run(database, lambda session: ask(session, earner, amount_fen, key=key))


def now_of(database: Database, payout_id: int) -> PayoutView:
    return run(database, lambda session: get_payout(session, payout_id=payout_id))


def assert_fits(database: Database, earner: Earner, available_fen: int) -> None:
    def prove(session: Session) -> None:
        assert figures(session, earner.id) == (0, available_fen, 0)
        assert_money_fits(session, earner.id)
        assert verify(session, member_id=earner.id) == []

    run(database, prove)


def test_many_wishes_at_once_never_take_more_than_there_is(committed_database: Database, earner: Earner) -> None:
    results = at_once([lambda: asked(committed_database, earner, 30_000) for _ in range(TIMES)])

    assert sum(isinstance(result, PayoutView) for result in results) == 3
    assert sum(isinstance(result, InsufficientEarnings) for result in results) == TIMES - 3
    assert_fits(committed_database, earner, 10_000)


def test_one_wish_many_times_at_once_is_one_payout(committed_database: Database, earner: Earner) -> None:
    results = at_once([lambda: asked(committed_database, earner, key="same") for _ in range(TIMES)])

    assert len({result.id for result in results if isinstance(result, PayoutView)}) == 1
    assert_fits(committed_database, earner, 80_000)


def test_many_workers_send_once(committed_database: Database, sender: Sender, bank: Bank, earner: Earner) -> None:
    payout = asked(committed_database, earner)

    at_once([lambda: drive(sender, payout_id=payout.id) for _ in range(TIMES)])

    assert (bank.count("create"), len(bank.bills)) == (1, 1)
    assert now_of(committed_database, payout.id).state is PayoutState.WAITING_CONFIRM


@pytest.mark.parametrize(("end", "left_fen"), [(TransferState.SUCCESS, 80_000), (TransferState.FAIL, 100_000)])
def test_callbacks_polls_and_the_answer_at_once_end_in_one_state_and_give_back_once(
    committed_database: Database, sender: Sender, bank: Bank, earner: Earner, end: TransferState, left_fen: int
) -> None:
    payout = asked(committed_database, earner)
    at = sender.time_of_day()
    begun = run(committed_database, lambda session: begin(session, vault=VAULT, payout_id=payout.id, at=at))
    assert begun is not None
    bank.create_transfer(begun.order)
    bank.end(payout.out_bill_no, end)
    notice = bank.notices[0]
    answer = bank.query_transfer(payout.out_bill_no)

    at_once(
        [lambda: run(committed_database, lambda session: deliver(session, notice)) for _ in range(TIMES)]
        + [
            lambda: run(
                committed_database,
                lambda session: finish(session, begun=begun, answer=answer, zone=SHANGHAI, at=at),
            )
            for _ in range(TIMES)
        ]  # type: ignore[operator]
    )

    assert now_of(committed_database, payout.id).settled_at is not None
    assert_fits(committed_database, earner, left_fen)
    moves = run(committed_database, lambda session: list_moves(session, payout_id=payout.id))
    assert sum(move.state_before != move.state_after for move in moves) == 2


def test_a_cancel_beside_the_first_step_leaves_one_end(
    committed_database: Database, sender: Sender, bank: Bank, earner: Earner
) -> None:
    for _ in range(4):
        payout = asked(committed_database, earner, 1_000)
        at_once(
            [
                lambda payout=payout: drive(sender, payout_id=payout.id),  # type: ignore[misc]
                lambda payout=payout: run(  # type: ignore[misc]
                    committed_database,
                    lambda session: deciding.cancel(
                        session, payout_id=payout.id, zone=SHANGHAI, actor=STAFF, at=sender.time_of_day()
                    ),
                ),
            ]
        )
        after = now_of(committed_database, payout.id)
        is_sent = payout.out_bill_no in bank.bills
        assert is_sent == (after.state is not PayoutState.RETURNED)
        assert is_sent or after.return_reason == "cancelled"


def test_accruals_withdrawals_and_returns_at_once_add_up(committed_database: Database, earner: Earner) -> None:
    payouts = [asked(committed_database, earner, 1_000) for _ in range(4)]

    def come_back(payout: PayoutView) -> None:
        def cancel(session: Session) -> None:
            deciding.cancel(session, payout_id=payout.id, zone=SHANGHAI, actor=STAFF, at=AT)

        run(committed_database, cancel)

    at_once(
        [lambda payout=payout: come_back(payout) for payout in payouts]  # type: ignore[misc]
        + [lambda: run(committed_database, lambda session: make_available(session, earner.id, 10)) for _ in range(4)]
        + [lambda: asked(committed_database, earner, 500) for _ in range(4)]
    )

    assert_fits(committed_database, earner, 100_000 + 40 - 2_000)


def test_one_accrual_at_once_from_many_workers_counts_once(committed_database: Database, earner: Earner) -> None:
    def accrue(session: Session) -> None:
        earnings.accrue(
            session,
            member_id=earner.id,
            amount_fen=7,
            reference="commission:race",
            explanation={},
            occurred_at=AT,
            at=AT,
        )

    at_once([lambda: run(committed_database, accrue) for _ in range(TIMES)])

    assert run(committed_database, lambda session: figures(session, earner.id)) == (7, 100_000, 0)
