"""Payouts under fire: whoever comes first, the money is paid once or comes back once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session

from loyalty.earnings import service as earnings
from loyalty.earnings.rules import InsufficientEarnings
from loyalty.gateways.pay_protocols import TransferState
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.limits import service as limits
from loyalty.limits.rules import Limit, LimitExhausted
from loyalty.payouts.queries.payouts import PayoutView, get_payout, list_moves
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service import deciding
from loyalty.payouts.service.exchanging import exchange
from loyalty.payouts.service.records import limits_of
from loyalty.payouts.service.sending import Sender, begin, drive, finish
from loyalty.payouts.verification import verify
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import assert_money_fits, figures, make_available
from tests.factories.pay_bank import Bank
from tests.factories.payouts import PROGRAMME, STAFF, Earner, ask, configure, deliver, make_earner, make_sender
from tests.support.containers import StandingClock
from tests.support.races import at_once
from tests.support.settings import VAULT

Result = TypeVar("Result")
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


def asked(
    database: Database, earner: Earner, amount_fen: int = 20_000, *, key: str = "", at: datetime = AT
) -> PayoutView:
    return run(database, lambda session: ask(session, earner, amount_fen, key=key, at=at))


def now_of(database: Database, payout_id: int) -> PayoutView:
    return run(database, lambda session: get_payout(session, payout_id=payout_id))


def exchanged(database: Database, earner: Earner, amount_fen: int, *, at: datetime) -> PayoutView:
    def take(session: Session) -> PayoutView:
        actor = Actor(f"member:{earner.id}")
        return exchange(
            session,
            vault=VAULT,
            member_id=earner.id,
            amount_fen=amount_fen,
            key="points",
            zone=SHANGHAI,
            at=at,
            actor=actor,
        )

    return run(database, take)


def called_back(database: Database, payout: PayoutView, at: datetime) -> PayoutState:
    def cancel(session: Session) -> PayoutState:
        return deciding.cancel(session, payout_id=payout.id, zone=SHANGHAI, actor=STAFF, at=at)

    return run(database, cancel)


def unrefused_at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Return what all calls returned; that one of them was refused is a failure."""
    results = at_once(calls)
    assert [result for result in results if isinstance(result, LoyaltyError)] == []
    return [result for result in results if not isinstance(result, LoyaltyError)]


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


def test_wishes_for_money_and_for_points_at_once_never_pass_the_limit_of_the_day(committed_database: Database) -> None:
    """On a date of its own, most of which is used up: the settings hold for every other test as well."""
    at, amount_fen, room = datetime(2031, 5, 6, 2, 0, tzinfo=UTC), 1_000, 3

    def prepare(session: Session) -> tuple[list[Earner], Limit]:
        configure(session, programme=replace(PROGRAMME, points_per_yuan=100))
        earners = [make_earner(session, available_fen=amount_fen) for _ in range(TIMES)]
        _own, of_all = limits_of(PROGRAMME, member_id=earners[0].id, requested_at=at, zone=SHANGHAI)
        limits.reserve(session, limits=[of_all], amount=of_all.ceiling - room * amount_fen - 1)
        return earners, of_all

    earners, of_all = run(committed_database, prepare)
    ways = [asked, exchanged] * (TIMES // 2)
    results = at_once(
        [partial(way, committed_database, each, amount_fen, at=at) for way, each in zip(ways, earners, strict=True)]
    )

    paid = [result.member_id for result in results if isinstance(result, PayoutView)]
    refusals = [result for result in results if isinstance(result, LimitExhausted)]
    assert (len(paid), len(refusals)) == (room, TIMES - room)
    assert {refusal.details["limit"] for refusal in refusals} == {"payout_day"}
    assert run(committed_database, lambda session: limits.used(session, limit=of_all)) == of_all.ceiling - 1
    for earner in earners:
        assert_fits(committed_database, earner, 0 if earner.id in paid else amount_fen)


def test_wishes_of_one_member_at_once_never_pass_their_limit_of_the_day(committed_database: Database) -> None:
    amount_fen, room = PROGRAMME.member_day_fen // 6, 6

    def prepare(session: Session) -> Earner:
        configure(session)
        return make_earner(session, available_fen=TIMES * amount_fen)

    earner = run(committed_database, prepare)
    results = at_once([partial(asked, committed_database, earner, amount_fen) for _ in range(TIMES)])

    assert sum(isinstance(result, PayoutView) for result in results) == room
    refusals = [result for result in results if isinstance(result, LimitExhausted)]
    assert [refusal.details["limit"] for refusal in refusals] == ["payout_member_day"] * (TIMES - room)
    assert_fits(committed_database, earner, (TIMES - room) * amount_fen)


def test_one_wish_many_times_at_once_is_one_payout(committed_database: Database, earner: Earner) -> None:
    payouts = unrefused_at_once([lambda: asked(committed_database, earner, key="same") for _ in range(TIMES)])

    assert len(payouts) == TIMES
    assert len({payout.id for payout in payouts}) == 1
    assert_fits(committed_database, earner, 80_000)


def test_many_workers_send_once(committed_database: Database, sender: Sender, bank: Bank, earner: Earner) -> None:
    payout = asked(committed_database, earner)

    steps = unrefused_at_once([lambda: drive(sender, payout_id=payout.id) for _ in range(TIMES)])

    assert sorted(steps) == [0] * (TIMES - 1) + [1]
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

    def notify(session: Session) -> None:
        deliver(session, notice)

    def tell(session: Session) -> object:
        return finish(session, begun=begun, answer=answer, zone=SHANGHAI, at=at)

    works: list[Callable[[Session], object]] = [notify, tell]
    unrefused_at_once([partial(run, committed_database, work) for work in works * TIMES])

    assert now_of(committed_database, payout.id).settled_at is not None
    assert_fits(committed_database, earner, left_fen)
    moves = run(committed_database, lambda session: list_moves(session, payout_id=payout.id))
    assert sum(move.state_before != move.state_after for move in moves) == 2


def test_a_cancel_beside_the_first_step_leaves_one_end(
    committed_database: Database, sender: Sender, bank: Bank, earner: Earner
) -> None:
    for _ in range(4):
        payout = asked(committed_database, earner, 1_000)
        send = partial(drive, sender, payout_id=payout.id)
        cancel = partial(called_back, committed_database, payout, sender.time_of_day())
        both: list[Callable[[], object]] = [send, cancel]
        unrefused_at_once(both)
        after = now_of(committed_database, payout.id)
        is_sent = payout.out_bill_no in bank.bills
        assert is_sent == (after.state is not PayoutState.RETURNED)
        assert is_sent or after.return_reason == "cancelled"


def test_accruals_withdrawals_and_returns_at_once_add_up(committed_database: Database, earner: Earner) -> None:
    payouts = [asked(committed_database, earner, 1_000) for _ in range(4)]

    def earn(session: Session) -> object:
        return make_available(session, earner.id, 10)

    come_back = [partial(called_back, committed_database, each, AT) for each in payouts]
    come_in = [partial(run, committed_database, earn)] * 4
    go_out = [partial(asked, committed_database, earner, 500)] * 4
    moves: list[Callable[[], object]] = [*come_back, *come_in, *go_out]
    unrefused_at_once(moves)

    assert_fits(committed_database, earner, 100_000 + 40 - 2_000)


def test_one_accrual_at_once_from_many_workers_counts_once(committed_database: Database, earner: Earner) -> None:
    def accrue(session: Session) -> None:
        earned = earnings.Earned(earner.id, 7, "commission:race", {}, AT)
        earnings.accrue_many(session, earned=[earned], at=AT)

    unrefused_at_once([lambda: run(committed_database, accrue) for _ in range(TIMES)])

    assert run(committed_database, lambda session: figures(session, earner.id)) == (7, 100_000, 0)
