"""Coupons used at the till, undone and voided, and their bonus, as steps of a life."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from loyalty.coupons.rules.errors import CouponNotVoidable, CouponRedemptionOfOrder, CouponRedemptionReversed
from loyalty.coupons.service.bonus import pay_bonus, take_back_bonus
from loyalty.coupons.service.redeeming import Redeemed
from loyalty.coupons.service.voiding import void
from loyalty.points.rules import Shortfall
from tests.factories.checkout import SHANGHAI
from tests.factories.coupon_uses import undo, use_of, use_up
from tests.factories.coupons import ACTOR
from tests.proofs.coupon_life import BASKET, CouponLife, later, some
from tests.proofs.coupon_oracle import OracleCoupon, OracleUse, reverse
from tests.proofs.machine import pick, picks


class Using(CouponLife):
    @rule(who=picks, which=picks)
    def gets_one_and_uses_it(self, who: int, which: int) -> None:
        self.gets_one(who, which)
        holder = who % len(self.member_ids)
        coupon = self.coupons[holder][-1]
        used = self.asked([coupon], lambda: self.use_at_till(self.member_ids[holder], [coupon]))
        if used is not None:
            self.note_uses([coupon], used)

    @precondition(lambda self: self.holders)
    @rule(who=picks, which=some)
    def uses_some(self, who: int, which: list[int]) -> None:
        member_id, coupons = self.chosen(who, which)
        used = self.asked(coupons, lambda: self.use_at_till(member_id, coupons))
        if used is not None:
            self.note_uses(coupons, used)

    @precondition(lambda self: self.uses)
    @rule(which=picks, days=later)
    def undoes_a_use(self, which: int, days: int) -> None:
        self.at += timedelta(days=days)
        use = pick(self.uses, which)
        try:
            undo(self.session, use.id, reference=f"undo:{next(self.numbers)}", at=self.at)
        except CouponRedemptionReversed:
            assert use.is_reversed
        except CouponRedemptionOfOrder:
            assert self.is_of_order(use)
            assert not use.is_reversed
        else:
            assert not use.is_reversed
            assert not self.is_of_order(use)
            reverse(use, self.at)
            self.news.append(("reversed", use))

    def is_of_order(self, use: OracleUse) -> bool:
        """An order keeps its coupons until it is refunded."""
        return any(use in order.uses for order in self.orders)

    @precondition(lambda self: self.holders)
    @rule(who=picks, which=picks)
    def voids_one(self, who: int, which: int) -> None:
        _, (coupon,) = self.chosen(who, [which])
        try:
            void(self.session, coupon_ids=[coupon.id], reason="试发", actor=ACTOR, at=self.at)
        except CouponNotVoidable:
            assert coupon.standing(self.at) in ("used", "lapsed")
        else:
            assert coupon.standing(self.at) not in ("used", "lapsed")
            coupon.is_void, coupon.lock = True, None

    @precondition(lambda self: self.news)
    @rule(which=picks, is_forgotten=st.booleans())
    def news_comes(self, which: int, is_forgotten: bool) -> None:
        """In any order, and again where it was not forgotten."""
        kind, use = pick(self.news, which)
        if kind == "used":
            pay_bonus(self.session, redemption_id=use.id, at=self.at, zone=SHANGHAI)
            if not use.is_reversed and not use.is_paid:
                self.points += use.bonus
                use.is_paid = True
        else:
            take_back_bonus(self.session, redemption_id=use.id, shortfall=Shortfall.NEGATIVE, at=self.at, zone=SHANGHAI)
            if use.is_paid and not use.is_taken_back:
                self.points -= use.bonus
                use.is_taken_back = True
        if is_forgotten:
            self.news.remove((kind, use))

    def use_at_till(self, member_id: int, coupons: Sequence[OracleCoupon]) -> Redeemed:
        reference, use = f"till:{next(self.numbers)}", use_of(*BASKET, at=self.at)
        return use_up(self.session, member_id, *(one.id for one in coupons), reference=reference, use=use)
