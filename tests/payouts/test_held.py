"""Payouts that risk holds: what people release goes on, what they reverse comes back, and nobody pays around them."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from jobs import payouts
from loyalty.kernel.database import Database
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.rules.errors import PayoutBlocked, PayoutHeldByRisk, PayUnavailable
from loyalty.payouts.rules.states import Destination, PayoutState, ReturnReason
from loyalty.payouts.service import deciding
from loyalty.payouts.service.requesting import Wish
from loyalty.payouts.service.sending import Sender, drive
from loyalty.payouts.service.withdrawing import Withdrawal, withdraw
from loyalty.risk.queries.decisions import list_decisions
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.rules.deciding import Condition, Rule
from loyalty.risk.rules.signals import Signal
from loyalty.risk.rules.subjects import Occasion, Verdict
from loyalty.risk.service import block, release, reverse, save_rules
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import figures
from tests.factories.payouts import STAFF, Earner, payout_of
from tests.support.containers import NullContainer
from tests.support.events import recorded
from tests.support.settings import VAULT

SMALL, LARGE = 20_000, 60_000


@pytest.fixture
def _doubt(session: Session, at: datetime) -> None:
    judge(session, Verdict.REVIEW, at)


def judge(session: Session, verdict: Verdict, at: datetime) -> None:
    """Let a rule fire at every withdrawal."""
    always = (Condition(Signal.ACTS_PER_MEMBER, 1, within_hours=1),)
    rules = (Rule("doubt", "测试", frozenset({Occasion.WITHDRAWAL}), always, verdict),)
    save_rules(session, rules=rules, actor=STAFF, at=at)


def ask(
    database: Database,
    earner: Earner,
    at: datetime,
    amount_fen: int = SMALL,
    *,
    key: str = "k",
    has_merchant: bool = True,
) -> PayoutView:
    wish = Wish(earner.id, amount_fen, earner.appid, earner.openid, key)
    withdrawal = Withdrawal(wish, Destination.WECHAT, ip="10.0.0.1", device=None)
    return withdraw(
        database, vault=VAULT, withdrawal=withdrawal, has_merchant=has_merchant, is_tax_required=False, zone=SHANGHAI,
        at=at,
    )  # fmt: skip


def test_without_a_merchant_account_no_money_is_taken(
    session: Session, database: Database, earner: Earner, at: datetime
) -> None:
    before = figures(session, earner.id)

    with pytest.raises(PayUnavailable):
        ask(database, earner, at, has_merchant=False)

    assert figures(session, earner.id) == before


def decide(session: Session, payout: PayoutView, at: datetime) -> None:
    deciding.decide(session, payout_id=payout.id, is_approved=True, zone=SHANGHAI, actor=STAFF, at=at)


def settle(session: Session, container: NullContainer, at: datetime, *, is_released: bool) -> None:
    """Let a person say the last word, and the outbox tell it, twice."""
    decision = list_decisions(session, occasion=Occasion.WITHDRAWAL).items[0]
    act, kind = (release, "risk.released") if is_released else (reverse, "risk.reversed")
    act(session, decision_id=decision.id, reason="已核实", actor=STAFF, at=at)
    follow = payouts.follow_release if is_released else payouts.follow_reversal
    for _ in range(2):
        follow(session, container, recorded(session, kind)[-1], at)


@pytest.mark.usefixtures("_doubt")
class TestHeld:
    def test_is_sent_once_released(
        self, session: Session, database: Database, container: NullContainer, earner: Earner, at: datetime
    ) -> None:
        payout = ask(database, earner, at)
        assert payout.state is PayoutState.AWAITING_APPROVAL

        settle(session, container, at, is_released=True)

        assert payout_of(session, payout.id).state is PayoutState.NEW

    def test_of_a_large_amount_goes_on_to_its_approval(
        self, session: Session, database: Database, container: NullContainer, earner: Earner, at: datetime
    ) -> None:
        payout = ask(database, earner, at, LARGE)
        with pytest.raises(PayoutHeldByRisk):
            decide(session, payout, at)

        settle(session, container, at, is_released=True)
        assert payout_of(session, payout.id).state is PayoutState.AWAITING_APPROVAL
        decide(session, payout, at)

        assert payout_of(session, payout.id).state is PayoutState.NEW

    def test_comes_back_once_reversed(
        self, session: Session, database: Database, container: NullContainer, earner: Earner, at: datetime
    ) -> None:
        payout = ask(database, earner, at)

        settle(session, container, at, is_released=False)

        assert payout_of(session, payout.id).return_reason is ReturnReason.REJECTED
        assert figures(session, earner.id) == (0, 100_000, 0)

    def test_stays_where_it_is_while_its_member_is_blocked(
        self, session: Session, database: Database, container: NullContainer, earner: Earner, at: datetime
    ) -> None:
        payout = ask(database, earner, at)
        block(
            session,
            vault=VAULT,
            target=Target(BlockKind.MEMBER, str(earner.id)),
            reason="刷单",
            expires_at=None,
            actor=STAFF,
            at=at,
        )

        settle(session, container, at, is_released=True)

        assert payout_of(session, payout.id).state is PayoutState.AWAITING_APPROVAL
        with pytest.raises(PayoutHeldByRisk):
            decide(session, payout, at)


def test_what_was_let_pass_and_is_reversed_later_is_called_back(
    session: Session, database: Database, container: NullContainer, sender: Sender, earner: Earner, at: datetime
) -> None:
    payout, waiting = ask(database, earner, at), ask(database, earner, at, key="later")
    drive(sender, payout_id=payout.id)

    for decision in list_decisions(session, occasion=Occasion.WITHDRAWAL).items:
        reverse(session, decision_id=decision.id, reason="刷单", actor=STAFF, at=at)
    for told in recorded(session, "risk.reversed"):
        payouts.follow_reversal(session, container, told, at)

    assert payout_of(session, payout.id).is_cancel_wanted
    assert payout_of(session, waiting.id).return_reason is ReturnReason.REJECTED


def test_each_withdrawal_of_a_day_is_looked_at_by_itself(
    session: Session, database: Database, earner: Earner, at: datetime
) -> None:
    ask(database, earner, at)
    judge(session, Verdict.DENY, at)

    with pytest.raises(PayoutBlocked):
        ask(database, earner, at, key="second")

    assert ask(database, earner, at).state is PayoutState.NEW
