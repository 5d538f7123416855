"""Orders bought with coupons and brought back in parts, as steps of a life."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from loyalty.checkout import service as checkout
from loyalty.coupons.queries.redemptions import find_of_order
from loyalty.coupons.service.redeeming import Redeemed
from loyalty.orders.rules import RefundLine
from tests.factories.checkout import SHANGHAI, buy, give_back
from tests.factories.coupon_uses import use_of
from tests.factories.orders import make_purchase, make_refund
from tests.proofs.coupon_life import BASKET, CouponLife, later, some
from tests.proofs.coupon_oracle import WORTH_FEN, OracleOrder, return_with_order
from tests.proofs.machine import pick, picks

shares_of_lines = st.one_of(st.just([0, 0]), st.lists(st.integers(0, 100), min_size=2, max_size=2))


class Ordering(CouponLife):
    @rule(who=picks, which=some)
    def buys(self, who: int, which: list[int]) -> None:
        """With a reserved basket, through checkout: with a coupon of the moment, and perhaps some older ones."""
        self.gets_one(who, which[0])
        holder = who % len(self.member_ids)
        older = [pick(self.coupons[holder], number) for number in which[1:]]
        member_id = self.member_ids[holder]
        coupons = list({one.id: one for one in (*older, self.coupons[holder][-1])}.values())
        reference, use = f"cart:{next(self.numbers)}", use_of(*BASKET, at=self.at)
        reserved = self.asked(
            coupons,
            lambda: checkout.reserve_basket(
                self.session, member_id=member_id, use=use, coupon_ids=[one.id for one in coupons], points=0,
                reference=reference, zone=SHANGHAI, actor="shop",
            ),
        )  # fmt: skip
        if reserved is None:
            return
        purchase = make_purchase(member_id, *use.lines, channel=use.channel, paid_at=self.at)
        outcome = buy(self.session, purchase, hold_reference=reference, at=self.at)
        uses = self.note_uses(coupons, Redeemed(tuple(find_of_order(self.session, order_id=outcome.order_id))))
        paid_fen = sum(BASKET) - WORTH_FEN * len(coupons)
        assert (outcome.discount_fen, reserved.money_fen) == (WORTH_FEN * len(coupons), paid_fen)
        self.orders.append(OracleOrder(purchase.order_number, uses, list(BASKET), paid_fen))

    @precondition(lambda self: any(any(order.left) for order in self.orders))
    @rule(which=picks, parts=shares_of_lines, days=later)
    def brings_back(self, which: int, parts: list[int], days: int) -> None:
        """A part of each line, or all that is left when that is nothing."""
        self.at += timedelta(days=days)
        order = pick([one for one in self.orders if any(one.left)], which)
        back = [fen * share // 100 for fen, share in zip(order.left, parts, strict=True)]
        is_last = not any(back)
        back = list(order.left) if is_last else back
        is_last = is_last or back == order.left
        order.left = [fen - part for fen, part in zip(order.left, back, strict=True)]
        lines = [RefundLine(n, int(is_last), fen) for n, fen in enumerate(back, start=1) if fen or is_last]

        outcome = give_back(self.session, make_refund(order.number, *lines, refunded_at=self.at), at=self.at)

        returned = [use for use in order.uses if is_last and return_with_order(use, self.at)]
        assert sorted(outcome.returned_coupon_ids) == sorted(use.coupon.id for use in returned)
        self.news += [("reversed", use) for use in returned]
        order.back_fen += outcome.money_fen
        assert outcome.money_fen >= 0
        assert order.back_fen == order.paid_fen if is_last else order.back_fen <= order.paid_fen
