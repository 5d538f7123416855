"""Using coupons: once, in scope, for the basket that was priced; and undoing it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.queries.wallet import Shelf, get_coupon, list_wallet
from loyalty.coupons.rules.errors import (
    CouponLockEnded,
    CouponNotFound,
    CouponNotUsable,
    CouponNotVoidable,
    CouponRedemptionReversed,
    CouponUseReferenceReused,
)
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.terms import CashOff, DaysFromIssue, PercentOff, Stacking
from loyalty.coupons.service.expiring import expire_coupons, release_run_out
from loyalty.coupons.service.locking import unlock
from loyalty.coupons.service.validating import validate
from loyalty.coupons.service.voiding import void
from tests.factories.coupon_uses import HALF_AN_HOUR, lock_up, settle, undo, use_of, use_up
from tests.factories.coupons import ACTOR, SHANGHAI, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import AT
from tests.support.statements import StatementCounter

FREE = Stacking(is_exclusive=False)


def reasons(refused: pytest.ExceptionInfo[CouponNotUsable]) -> list[str]:
    return [told["reason"] for told in refused.value.details["coupons"]]  # type: ignore[attr-defined]


@pytest.fixture
def coupon_id(session: Session, member_id: int) -> int:
    return issue_to(session, member_id, make_template(session)).coupon_id


class TestRedeeming:
    def test_takes_off_what_the_coupon_says_and_only_once(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        used = use_up(session, member_id, coupon_id)

        assert (used.discount_fen, used.is_replay) == (2_000, False)
        with pytest.raises(CouponNotUsable) as refused:
            use_up(session, member_id, coupon_id, reference="till:2")
        assert reasons(refused) == ["used"]

    def test_again_by_the_same_request_tells_the_same(self, session: Session, member_id: int, coupon_id: int) -> None:
        first = use_up(session, member_id, coupon_id)
        again = use_up(session, member_id, coupon_id)

        assert (again.redemptions, again.is_replay) == (first.redemptions, True)

    def test_of_another_coupon_needs_another_reference(self, session: Session, member_id: int, coupon_id: int) -> None:
        use_up(session, member_id, coupon_id)
        other_id = issue_to(session, member_id, make_template(session)).coupon_id

        with pytest.raises(CouponUseReferenceReused):
            use_up(session, member_id, other_id)

    def test_of_somebody_elses_coupon_finds_none(self, session: Session, coupon_id: int) -> None:
        with pytest.raises(CouponNotFound):
            use_up(session, make_member(session).id, coupon_id)

    def test_below_the_threshold_says_what_is_lacking(self, session: Session, member_id: int, coupon_id: int) -> None:
        with pytest.raises(CouponNotUsable) as refused:
            use_up(session, member_id, coupon_id, use=use_of(8_800))

        told = refused.value.details["coupons"]
        assert told == [
            {"coupon_id": coupon_id, "reason": "threshold", "message": "再买 ¥12.00 可用", "amount_fen": 1_200}
        ]

    def test_of_two_coupons_is_both_or_none(self, session: Session, member_id: int) -> None:
        cash = issue_to(session, member_id, make_template(session, terms_of(stacking=FREE))).coupon_id
        percent = terms_of(worth=PercentOff(10), stacking=FREE, threshold_fen=0)
        rebate = issue_to(session, member_id, make_template(session, percent)).coupon_id
        too_large = issue_to(session, member_id, make_template(session, terms_of(threshold_fen=90_000, stacking=FREE)))

        with pytest.raises(CouponNotUsable):
            use_up(session, member_id, cash, too_large.coupon_id)
        used = use_up(session, member_id, cash, rebate, use=use_of(10_000, 5_000))

        assert {one.coupon_id: one.discount_fen for one in used.redemptions} == {cash: 2_000, rebate: 1_500}

    def test_takes_two_statements(
        self, session: Session, member_id: int, coupon_id: int, statements: StatementCounter
    ) -> None:
        statements.clear()
        use_up(session, member_id, coupon_id)

        assert statements.count == 2


class TestALock:
    def test_keeps_others_from_using_the_coupon_until_it_is_let_go(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        lock_up(session, member_id, coupon_id)

        with pytest.raises(CouponNotUsable) as refused:
            use_up(session, member_id, coupon_id)
        assert reasons(refused) == ["locked"]
        unlock(session, member_id=member_id, reference="order:1", at=AT)
        unlock(session, member_id=member_id, reference="order:1", at=AT)
        use_up(session, member_id, coupon_id)

    def test_made_again_is_the_same(self, session: Session, member_id: int, coupon_id: int) -> None:
        first = lock_up(session, member_id, coupon_id)
        again = lock_up(session, member_id, coupon_id)

        assert (again.lock, again.is_replay) == (first.lock, True)
        assert first.lock.discount_fen == 2_000

    def test_is_settled_by_its_order_and_by_nothing_else_afterwards(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        lock_up(session, member_id, coupon_id)

        settled, again = settle(session, member_id), settle(session, member_id)

        assert (settled.discount_fen, again.redemptions, again.is_replay) == (2_000, settled.redemptions, True)
        with pytest.raises(CouponLockEnded):
            unlock(session, member_id=member_id, reference="order:1", at=AT)

    @pytest.mark.parametrize("has_job_run", [False, True])
    def test_whose_time_ran_out_binds_nothing(
        self, session: Session, member_id: int, coupon_id: int, has_job_run: bool
    ) -> None:
        lock_up(session, member_id, coupon_id)
        later = AT + HALF_AN_HOUR
        if has_job_run:
            assert release_run_out(session, at=later) == 1

        assert (
            validate(session, member_id=member_id, use=use_of(15_000, at=later), zone=SHANGHAI).best.discount_fen
            == 2_000
        )
        use_up(session, member_id, coupon_id, use=use_of(15_000, at=later))
        with pytest.raises(CouponNotUsable) as refused:
            settle(session, member_id, at=later)
        assert reasons(refused) == ["used"]

    def test_lets_an_order_be_paid_late_while_nobody_used_the_coupon(
        self, session: Session, member_id: int, coupon_id: int
    ) -> None:
        lock_up(session, member_id, coupon_id)
        release_run_out(session, at=AT + HALF_AN_HOUR)

        assert settle(session, member_id, at=AT + HALF_AN_HOUR).discount_fen == 2_000

    def test_keeps_its_coupon_past_midnight_of_the_last_day(self, session: Session, member_id: int) -> None:
        template_id = make_template(session, terms_of(validity=DaysFromIssue(1)))
        coupon = issue_to(session, member_id, template_id)
        almost = coupon.expires_at - timedelta(minutes=1)
        lock_up(session, member_id, coupon.coupon_id, at=almost)
        past = coupon.expires_at + timedelta(minutes=1)

        assert expire_coupons(session, at=past) == 0
        assert settle(session, member_id, at=past).discount_fen == 2_000


class TestReversing:
    def test_gives_the_coupon_back_to_be_used_again(self, session: Session, member_id: int, coupon_id: int) -> None:
        redemption_id = use_up(session, member_id, coupon_id).redemptions[0].id

        for _ in range(2):
            undo(session, redemption_id)
        with pytest.raises(CouponRedemptionReversed):
            undo(session, redemption_id, reference="undo:2")
        use_up(session, member_id, coupon_id, reference="till:2")

    def test_of_a_coupon_that_lapsed_meanwhile_leaves_the_rest_of_the_day(
        self, session: Session, member_id: int
    ) -> None:
        coupon = issue_to(session, member_id, make_template(session, terms_of(validity=DaysFromIssue(1))))
        redemption_id = use_up(session, member_id, coupon.coupon_id).redemptions[0].id
        later = coupon.expires_at + HALF_AN_HOUR

        undo(session, redemption_id, at=later)

        view = get_coupon(session, coupon_id=coupon.coupon_id, at=later)
        assert (view.standing, view.expires_at) == (Standing.USABLE, coupon.expires_at + timedelta(days=1))


class TestVoiding:
    def test_takes_all_or_none(self, session: Session, member_id: int, coupon_id: int) -> None:
        template_id = make_template(session)
        used_id = issue_to(session, member_id, template_id).coupon_id
        use_up(session, member_id, used_id)

        with pytest.raises(CouponNotVoidable), session.begin_nested():
            void(session, coupon_ids=[coupon_id, used_id], reason="试发", actor=ACTOR, at=AT)
        void(session, coupon_ids=[coupon_id], reason="试发", actor=ACTOR, at=AT)
        void(session, coupon_ids=[coupon_id], reason="试发", actor=ACTOR, at=AT)

        with pytest.raises(CouponNotUsable) as refused:
            use_up(session, member_id, coupon_id, reference="till:2")
        assert reasons(refused) == ["voided"]


def test_a_wallet_has_three_shelves_and_pages(session: Session, member_id: int) -> None:
    template_id = make_template(session)
    ids = [issue_to(session, member_id, template_id).coupon_id for _ in range(5)]
    use_up(session, member_id, ids[0])
    short = make_template(session, terms_of(worth=CashOff(100), validity=DaysFromIssue(1)))
    first_to_lapse = issue_to(session, member_id, short).coupon_id

    def page(shelf: Shelf, cursor: str | None = None, at: datetime = AT) -> tuple[list[int], str | None]:
        found = list_wallet(session, member_id=member_id, shelf=shelf, at=at, cursor=cursor, limit=3)
        return [view.id for view in found.items], found.next_cursor

    first, cursor = page(Shelf.USABLE)
    second, end = page(Shelf.USABLE, cursor)
    assert ([*first, *second], end) == ([first_to_lapse, *ids[1:]], None)
    assert page(Shelf.USED) == ([ids[0]], None)
    assert page(Shelf.LAPSED, at=AT + timedelta(days=1)) == ([first_to_lapse], None)
    assert expire_coupons(session, at=AT + timedelta(days=1)) == 1
    assert page(Shelf.LAPSED, at=AT + timedelta(days=1)) == ([first_to_lapse], None)
