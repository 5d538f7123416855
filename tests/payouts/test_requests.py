"""Asking for a payout: what is refused before anything is written, and what is written together."""

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.approvals.rules import ApprovalByMaker
from loyalty.earnings.rules import InsufficientEarnings
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.limits.rules import LimitExhausted
from loyalty.members.rules.members import MemberGone
from loyalty.payouts.queries import payouts as queries
from loyalty.payouts.rules.errors import (
    PayoutIdentityRequired,
    PayoutNotAwaitingApproval,
    PayoutsOff,
    PayoutTooSmall,
)
from loyalty.payouts.rules.states import PayoutState, ReturnReason
from loyalty.payouts.service import deciding
from loyalty.payouts.service.exchanging import exchange
from loyalty.payouts.service.sending import begin
from loyalty.payouts.verification import verify
from loyalty.points import queries as points
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import figures
from tests.factories.payouts import (
    PROGRAMME,
    STAFF,
    Earner,
    ask,
    configure,
    make_earner,
    payout_of,
)
from tests.support.settings import VAULT


class TestRequests:
    def test_take_the_money_and_freeze_all_parameters_together(self, session: Session, earner: Earner) -> None:
        payout = ask(session, earner, 20_000)

        assert (payout.state, payout.gross_fen, payout.tax_fen, payout.net_fen) == ("new", 20_000, 0, 20_000)
        assert figures(session, earner.id) == (0, 80_000, 0)
        begun = begin(session, vault=VAULT, payout_id=payout.id, at=payout.requested_at)
        assert begun is not None
        assert (begun.order.openid, begun.order.scene_id, begun.order.amount_fen) == (earner.openid, "1005", 20_000)
        assert len(payout.out_bill_no) == 32
        assert payout.out_bill_no.isalnum()
        assert verify(session, member_id=earner.id) == []

    def test_with_the_same_key_are_one_payout(self, session: Session, earner: Earner) -> None:
        first = ask(session, earner, 20_000, key="k")

        assert ask(session, earner, 20_000, key="k") == first
        with pytest.raises(IdempotencyKeyReused):
            ask(session, earner, 30_000, key="k")
        assert figures(session, earner.id) == (0, 80_000, 0)

    @pytest.mark.parametrize("amount_fen", [-1, 0, 99])
    def test_below_the_minimum_are_refused(self, session: Session, earner: Earner, amount_fen: int) -> None:
        with pytest.raises(PayoutTooSmall):
            ask(session, earner, amount_fen)

    def test_of_more_than_there_is_are_refused(self, session: Session, earner: Earner) -> None:
        with pytest.raises(InsufficientEarnings):
            ask(session, earner, 100_001)

    def test_to_another_persons_openid_are_refused(self, session: Session, earner: Earner) -> None:
        other = make_earner(session, available_fen=0)

        with pytest.raises(PayoutIdentityRequired):
            ask(session, replace(earner, openid=other.openid))

    def test_beyond_the_days_limit_are_refused_and_what_came_back_counts_no_more(
        self, session: Session, earner: Earner, at: datetime
    ) -> None:
        configure(session, programme=replace(PROGRAMME, member_day_fen=30_000))
        first = ask(session, earner, 20_000)

        with pytest.raises(LimitExhausted):
            ask(session, earner, 10_001)
        deciding.cancel(session, payout_id=first.id, zone=SHANGHAI, actor=STAFF, at=at)

        assert ask(session, earner, 30_000).state is PayoutState.NEW
        assert figures(session, earner.id) == (0, 70_000, 0)

    def test_while_payouts_are_not_set_up_are_refused(self, session: Session, earner: Earner) -> None:
        session.execute(text("DELETE FROM payout_programmes"))

        with pytest.raises(PayoutsOff):
            ask(session, earner)

    def test_of_members_who_are_gone_are_refused(self, session: Session, earner: Earner) -> None:
        session.execute(text("UPDATE members SET status = 'closed' WHERE id = :id"), {"id": earner.id})

        with pytest.raises(MemberGone):
            ask(session, earner)


class TestApprovals:
    def test_above_the_threshold_wait_for_another_person(self, session: Session, earner: Earner, at: datetime) -> None:
        payout = ask(session, earner, 50_001)
        assert payout.state is PayoutState.AWAITING_APPROVAL
        assert figures(session, earner.id) == (0, 49_999, 0)

        with pytest.raises(ApprovalByMaker):
            self.decide(session, payout.id, at, actor=Actor(f"member:{earner.id}"))
        self.decide(session, payout.id, at)
        with pytest.raises(PayoutNotAwaitingApproval):
            self.decide(session, payout.id, at)

        assert payout_of(session, payout.id).state is PayoutState.NEW

    @pytest.mark.parametrize("how", ["rejected", "cancelled"])
    def test_that_are_not_given_bring_the_money_back(
        self, session: Session, earner: Earner, at: datetime, how: str
    ) -> None:
        payout = ask(session, earner, 60_000)

        if how == "rejected":
            self.decide(session, payout.id, at, is_approved=False)
        else:
            member = Actor(f"member:{earner.id}")
            deciding.cancel(session, payout_id=payout.id, zone=SHANGHAI, actor=member, at=at)

        assert payout_of(session, payout.id).return_reason == ReturnReason(how)
        assert figures(session, earner.id) == (0, 100_000, 0)
        assert verify(session, member_id=earner.id) == []

    def decide(
        self, session: Session, payout_id: int, at: datetime, *, is_approved: bool = True, actor: Actor = STAFF
    ) -> None:
        deciding.decide(session, payout_id=payout_id, is_approved=is_approved, zone=SHANGHAI, actor=actor, at=at)


class TestExchanges:
    def test_pay_points_instead_of_money_once(
        self, session: Session, earner: Earner, vault: Vault, at: datetime
    ) -> None:
        configure(session, programme=replace(PROGRAMME, points_per_yuan=120))

        payouts = [
            exchange(
                session,
                vault=vault,
                member_id=earner.id,
                amount_fen=5_050,
                key="points",
                zone=SHANGHAI,
                at=at,
                actor=Actor(f"member:{earner.id}"),
            )
            for _ in range(2)
        ]

        assert payouts[0] == payouts[1]
        assert (payouts[0].state, payouts[0].points) == (PayoutState.SUCCESS, 6_060)
        assert points.summary(session, member_id=earner.id, at=at).available == 6_060
        assert figures(session, earner.id) == (0, 94_950, 0)
        assert verify(session, member_id=earner.id) == []
        assert not queries.has_open(session, member_id=earner.id)

    def test_are_refused_while_not_offered(self, session: Session, earner: Earner, vault: Vault, at: datetime) -> None:
        with pytest.raises(PayoutsOff):
            exchange(
                session,
                vault=vault,
                member_id=earner.id,
                amount_fen=5_000,
                key="points",
                zone=SHANGHAI,
                at=at,
                actor=STAFF,
            )


class TestVerify:
    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE payouts SET net_fen = net_fen - 1, gross_fen = gross_fen - 1",
            "UPDATE payouts SET state = 'returned', return_reason = 'failed', settled_at = requested_at, due_at = NULL",
        ],
    )
    def test_finds_payouts_that_the_ledger_does_not_know(self, session: Session, earner: Earner, change: str) -> None:
        payout = ask(session, earner)
        assert verify(session, member_id=earner.id) == []

        session.execute(text(f"{change} WHERE id = :id"), {"id": payout.id})

        assert [found.table for found in verify(session, member_id=earner.id)] == ["payouts"]
