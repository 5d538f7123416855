"""Coupons that a rule gave, when the order is refunded or corrected: taken back unused, given after all."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.rules.terms import MemberLimits, Stock
from loyalty.earning.evaluations import find_kept
from loyalty.merging.service import merge
from loyalty.orders.rules import RefundLine
from tests.earning.coupon_rules import bought, coupon_rule, coupons_of, used_of
from tests.factories.checkout import buy, give_back
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.stores import make_store
from tests.factories.tags import MARKETER


class TestRefund:
    def test_below_the_threshold_an_unused_coupon_is_voided_and_its_limits_come_back(
        self, session: Session, at: datetime
    ) -> None:
        terms = terms_of(member_limits=MemberLimits(total=1, per_day=1), stock=Stock(per_day=5, per_store=5))
        template_id = make_template(session, terms, stock=5)
        coupon_rule(session, template_id)
        member, store = make_member(session), make_store(session)
        purchase = make_purchase(member.id, line(amount_fen=12_000), store_id=store.id)
        buy(session, purchase)
        assert used_of(session, template_id) == {1}

        # A business date later: the limits are those of the day on which it was issued.
        give_back(session, make_refund(purchase.order_number, RefundLine(1, 0, 5_000)), at=at + timedelta(days=1))

        (coupon,) = coupons_of(session, member.id)
        assert coupon.state == CouponState.VOIDED
        assert used_of(session, template_id) == {0}
        assert bought(session, member.id).misses == []

    def test_a_refund_that_leaves_enough_leaves_the_coupon(self, session: Session) -> None:
        coupon_rule(session, make_template(session))
        member = make_member(session)
        purchase = make_purchase(member.id, line(amount_fen=12_000))
        buy(session, purchase)

        give_back(session, make_refund(purchase.order_number, RefundLine(1, 0, 2_000)))

        assert [coupon.state for coupon in coupons_of(session, member.id)] == [CouponState.ISSUED]

    def test_a_used_coupon_stays_and_the_settlement_says_so(self, session: Session) -> None:
        template_id = make_template(session)
        coupon_rule(session, template_id)
        member = make_member(session)
        purchase = make_purchase(member.id, line(quantity=1, amount_fen=12_000))
        outcome = buy(session, purchase)
        (coupon,) = coupons_of(session, member.id)
        coupon.state = CouponState.REDEEMED
        refund = make_refund(purchase.order_number, RefundLine(1, 1, 12_000))

        for _ in range(2):
            give_back(session, refund)

        session.refresh(coupon)
        assert coupon.state == CouponState.REDEEMED
        assert used_of(session, template_id) == {1}
        kept = find_kept(session, member_id=member.id, reference=f"order:{outcome.order_id}")
        assert kept is not None
        assert [(one.coupon_id, one.coupon_kept) for one in kept.standings] == [(coupon.id, "used")]

    def test_a_correction_gives_what_the_first_report_was_too_small_for_and_takes_it_back(
        self, session: Session, at: datetime
    ) -> None:
        template_id = make_template(session)
        coupon_rule(session, template_id)
        member = make_member(session)
        first = make_purchase(member.id, line(amount_fen=9_000))

        for version, amount_fen in ((1, 9_000), (2, 11_000), (3, 8_000), (4, 12_000)):
            buy(session, replace(first, version=version, lines=(line(amount_fen=amount_fen),)))

        assert [coupon.state for coupon in coupons_of(session, member.id)] == [CouponState.VOIDED, CouponState.ISSUED]
        assert used_of(session, template_id) == {1}

    def test_after_a_merge_the_survivors_limit_comes_back(self, session: Session, at: datetime) -> None:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)))
        coupon_rule(session, template_id)
        survivor, other = make_member(session), make_member(session)
        purchase = make_purchase(other.id)
        buy(session, purchase)
        merge(session, survivor_id=survivor.id, other_id=other.id, actor=MARKETER, at=at)

        give_back(session, make_refund(purchase.order_number, RefundLine(1, 1, 10_000)))

        assert coupons_of(session, other.id)[0].state == CouponState.VOIDED
        assert bought(session, survivor.id).misses == []
