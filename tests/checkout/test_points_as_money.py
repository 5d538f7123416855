from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from loyalty.checkout import queries, service
from loyalty.checkout.rules import (
    CheckoutPolicy,
    InvalidCheckoutPolicy,
    PointsNotAccepted,
    PointsPaymentNotFound,
    PointsPaymentRefused,
    paid_in_money,
    points_left,
    spread,
)
from loyalty.kernel import audit
from loyalty.members.rules.members import MemberProvisional, MemberStatus
from loyalty.orders.rules import Line, RefundLine
from loyalty.points.queries import summary
from loyalty.points.rules import HoldClosed, HoldReferenceReused, InsufficientPoints, Shortfall
from tests.factories.checkout import ACCEPTING, buy, give_back, save_policy
from tests.factories.earning import make_rule
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import assert_books_fit, balance_of, earn, lots_of


def hold(session: Session, member_id: int, points: int, *, amount_fen: int = 10_000, reference: str = "till-1") -> int:
    at = make_purchase(1).paid_at
    held = service.hold_points(
        session, member_id=member_id, points=points, amount_fen=amount_fen, reference=reference, at=at
    )
    return held.amount_fen


def someone_with(session: Session, points: int) -> int:
    member = make_member(session)
    earn(session, member.id, points)
    return member.id


class TestQuote:
    def test_is_bounded_by_share_by_points_and_by_whole_steps(self, session: Session, at: datetime) -> None:
        save_policy(session, replace(ACCEPTING, points_max=4_000))
        member_id = someone_with(session, 5_150)

        def most(amount_fen: int) -> tuple[int, int]:
            quoted = service.quote_points(session, member_id=member_id, amount_fen=amount_fen, at=at)
            return quoted.max_points, quoted.max_amount_fen

        assert most(1_999) == (900, 900)
        assert most(100_000) == (4_000, 4_000)
        save_policy(session)
        assert most(100_000) == (5_100, 5_100)

    def test_is_refused_while_points_are_not_accepted_and_to_who_may_not_spend(
        self, session: Session, at: datetime
    ) -> None:
        member_id = someone_with(session, 100)
        with pytest.raises(PointsNotAccepted):
            service.quote_points(session, member_id=member_id, amount_fen=100, at=at)
        save_policy(session)
        provisional = make_member(session, status=MemberStatus.PROVISIONAL)
        with pytest.raises(MemberProvisional):
            service.quote_points(session, member_id=provisional.id, amount_fen=100, at=at)


class TestHold:
    @pytest.mark.parametrize("points", [50, 0, -100, 5_100])
    def test_of_points_that_may_not_pay_is_refused(self, session: Session, points: int) -> None:
        save_policy(session)
        member_id = someone_with(session, 10_000)

        with pytest.raises(PointsPaymentRefused):
            hold(session, member_id, points)

    def test_again_is_a_replay_and_with_other_figures_refused(self, session: Session, at: datetime) -> None:
        save_policy(session)
        member_id = someone_with(session, 1_000)

        assert hold(session, member_id, 500) == hold(session, member_id, 500) == 500
        assert summary(session, member_id=member_id, at=at).available == 500
        with pytest.raises(HoldReferenceReused):
            hold(session, member_id, 400)
        with pytest.raises(InsufficientPoints):
            hold(session, member_id, 600, reference="till-2")

    def test_that_is_let_go_pays_for_nothing(self, session: Session, at: datetime) -> None:
        save_policy(session)
        member_id = someone_with(session, 1_000)
        hold(session, member_id, 500)

        for _ in range(2):
            service.release_points(session, member_id=member_id, reference="till-1", at=at)

        assert summary(session, member_id=member_id, at=at).available == 1_000
        with pytest.raises(HoldClosed):
            buy(session, make_purchase(member_id), hold_reference="till-1")

    def test_that_ran_out_pays_for_nothing(self, session: Session, at: datetime) -> None:
        save_policy(session)
        member_id = someone_with(session, 1_000)
        hold(session, member_id, 500)

        with pytest.raises(HoldClosed):
            buy(session, make_purchase(member_id), hold_reference="till-1", at=at + timedelta(hours=1))


class TestPurchase:
    def test_takes_the_points_and_earns_on_what_is_paid_in_money(self, session: Session) -> None:
        save_policy(session)
        make_rule(session)
        member_id = someone_with(session, 3_000)
        hold(session, member_id, 2_500)

        outcome = buy(session, make_purchase(member_id), hold_reference="till-1")

        assert (outcome.captured_points, outcome.captured_fen, outcome.points) == (2_500, 2_500, 75)
        assert outcome.balance_after == 575
        assert_books_fit(session, member_id)

    def test_reported_again_takes_nothing(self, session: Session) -> None:
        save_policy(session)
        make_rule(session)
        member_id = someone_with(session, 3_000)
        hold(session, member_id, 2_500)
        purchase = make_purchase(member_id)
        first = buy(session, purchase, hold_reference="till-1")

        assert buy(session, purchase, hold_reference="till-1") == replace(first, is_replay=True)

    def test_cannot_be_paid_with_points_of_another_order_of_nobody_or_above_its_amount(self, session: Session) -> None:
        save_policy(session)
        member_id = someone_with(session, 3_000)
        hold(session, member_id, 2_500)

        with pytest.raises(PointsPaymentRefused):
            buy(session, make_purchase(member_id, line(amount_fen=2_499)), hold_reference="till-1")
        buy(session, make_purchase(member_id), hold_reference="till-1")
        for reference in ("till-1", "till-2"):
            with pytest.raises(PointsPaymentNotFound):
                buy(session, make_purchase(member_id), hold_reference=reference)

    def test_of_less_than_was_quoted_is_not_paid_above_the_share(self, session: Session) -> None:
        save_policy(session)
        member_id = someone_with(session, 3_000)
        hold(session, member_id, 2_500)

        with pytest.raises(PointsPaymentRefused) as refusal:
            buy(session, make_purchase(member_id, line(amount_fen=4_999)), hold_reference="till-1")

        assert refusal.value.details == {"amount_fen": 2_500, "max_amount_fen": 2_499}
        assert buy(session, make_purchase(member_id, line(amount_fen=5_000)), hold_reference="till-1").points == 0

    def test_keeps_what_was_held_when_the_policy_changes_meanwhile(self, session: Session) -> None:
        save_policy(session)
        member_id = someone_with(session, 3_000)
        hold(session, member_id, 2_500)
        save_policy(session, replace(ACCEPTING, share_max_percent=10))

        assert buy(session, make_purchase(member_id), hold_reference="till-1").captured_fen == 2_500

    def test_that_points_have_paid_for_is_not_paid_for_by_others_in_a_correction(self, session: Session) -> None:
        save_policy(session)
        member_id = someone_with(session, 3_000)
        purchase = make_purchase(member_id)
        for reference in ("till-1", "till-2"):
            hold(session, member_id, 1_000, reference=reference)
        buy(session, purchase, hold_reference="till-1")

        with pytest.raises(PointsPaymentRefused):
            buy(session, replace(purchase, version=2), hold_reference="till-2")

        assert balance_of(session, member_id) == 2_000


class TestRefund:
    def test_returns_the_points_of_each_line_to_their_lots_and_takes_the_earned_ones_back(
        self, session: Session, at: datetime
    ) -> None:
        save_policy(session)
        make_rule(session)
        member = make_member(session)
        earn(session, member.id, 1_000, expires_at=at + timedelta(days=9))
        earn(session, member.id, 2_000)
        hold(session, member.id, 2_500)
        purchase = make_purchase(member.id, line(1, amount_fen=6_667), line(2, amount_fen=3_333))
        buy(session, purchase, hold_reference="till-1")
        assert lots_of(session, member.id) == [0, 500, 75]

        refunds = [
            give_back(session, make_refund(purchase.order_number, returned))
            for returned in (RefundLine(1, 0, 2_222), RefundLine(1, 1, 4_445), RefundLine(2, 1, 3_333))
        ]

        assert [each.points_returned for each in refunds] == [556, 1_110, 834]
        assert sum(each.points_taken_back for each in refunds) == 75
        assert lots_of(session, member.id) == [1_000, 2_000, 0]
        assert_books_fit(session, member.id)

    def test_reported_again_returns_nothing_more(self, session: Session) -> None:
        save_policy(session)
        member_id = someone_with(session, 3_000)
        hold(session, member_id, 2_500)
        purchase = make_purchase(member_id)
        buy(session, purchase, hold_reference="till-1")
        refund = make_refund(purchase.order_number, RefundLine(1, 0, 4_000))

        first = give_back(session, refund)

        assert give_back(session, refund) == replace(first, is_replay=True)
        assert (first.points_returned, balance_of(session, member_id)) == (1_000, 1_500)


class TestSpread:
    @given(
        amounts=st.lists(st.integers(0, 10_000), min_size=1, max_size=6),
        share=st.integers(0, 100),
        left=st.lists(st.integers(0, 100), min_size=6, max_size=6),
    )
    def test_adds_up_and_leaves_nothing_when_all_is_refunded(
        self, amounts: list[int], share: int, left: list[int]
    ) -> None:
        lines = [Line(number, "a", "b", 1, amount) for number, amount in enumerate(amounts, start=1)]
        amount_fen = sum(amounts) * share // 100
        spreads = spread(lines, points=amount_fen * 3, amount_fen=amount_fen)
        partly = [replace(each, amount_fen=each.amount_fen * part // 100) for each, part in zip(lines, left)]  # noqa: B905
        nothing = [replace(each, amount_fen=0) for each in lines]

        assert sum(part.amount_fen for part in spreads.values()) == amount_fen
        assert sum(part.points for part in spreads.values()) == (amount_fen * 3 if sum(amounts) else 0)
        assert all(each.amount_fen >= 0 for each in paid_in_money(lines, partly, spreads))
        assert points_left(lines, lines, spreads) >= points_left(lines, partly, spreads) >= 0
        assert points_left(lines, nothing, spreads) == 0


class TestPolicy:
    def test_is_saved_with_who_changed_what(self, session: Session, at: datetime) -> None:
        save_policy(session)

        assert queries.current_policy(session) == ACCEPTING
        entry = audit.list_entries(session, action="checkout.save_policy")[0]
        assert entry.before is not None
        assert entry.after is not None
        assert (entry.before["is_accepting_points"], entry.after["is_accepting_points"]) == (False, True)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"points_per_yuan": 0}, "points_per_yuan"),
            ({"points_per_yuan": 300}, "points_step"),
            ({"share_max_percent": 101}, "share_max_percent"),
            ({"points_max": 99}, "points_max"),
            ({"hold_minutes": 0}, "hold_minutes"),
            ({"shortfall": Shortfall.REFUSE}, "shortfall"),
        ],
    )
    def test_that_could_not_be_applied_is_refused(
        self, session: Session, changes: dict[str, object], field: str
    ) -> None:
        with pytest.raises(InvalidCheckoutPolicy) as refusal:
            save_policy(session, replace(CheckoutPolicy(), **changes))  # type: ignore[arg-type]

        assert refusal.value.details["field"] == field
