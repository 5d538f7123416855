"""Deductions (抵扣): what coupons and points took off an order, and what of it is left after refunds.

Coupons come first, points pay for a part of what they leave, and money pays the rest: that alone earns, and that alone
is paid back. All of it is reckoned on the lines of the order, which have their prices before any deduction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from loyalty.checkout.queries import PaymentView, find_payment_of_order
from loyalty.checkout.rules import Spread, paid_in_money, points_left, spread
from loyalty.coupons.queries.redemptions import RedemptionView, find_of_order
from loyalty.coupons.rules.money import off_lines
from loyalty.coupons.rules.pricing import Discount
from loyalty.orders.rules import Line
from loyalty.orders.sharing import money_left


@dataclass(frozen=True, slots=True)
class Deductions:
    """What was taken off an order; what coupons took off stays, whatever became of them since."""

    discounts: tuple[Discount, ...] = ()
    payment: PaymentView | None = None
    redemptions: tuple[RedemptionView, ...] = ()
    """Of an order that is paid: the uses of its coupons, also those that were reversed."""

    @property
    def discount_fen(self) -> int:
        """What coupons took off."""
        return sum(discount.discount_fen for discount in self.discounts)

    def net(self, lines: Sequence[Line], left: Sequence[Line]) -> tuple[Line, ...]:
        """Return what is left of an order's lines at the prices that coupons left."""
        return money_left(lines, left, off_lines(lines, self.discounts))

    def money(self, lines: Sequence[Line], left: Sequence[Line]) -> tuple[Line, ...]:
        """Return what is left of an order's lines with what was paid for it in money.

        Raises:
            PointsPaymentRefused: points paid more than coupons left of the order.
        """
        net_left = self.net(lines, left)
        if self.payment is None:
            return net_left
        net = self.net(lines, lines)
        return paid_in_money(net, net_left, _spreads(net, self.payment))

    def points_left(self, lines: Sequence[Line], left: Sequence[Line]) -> int:
        """Return how many of the points that paid still pay for what is left."""
        if self.payment is None:
            return 0
        net = self.net(lines, lines)
        return points_left(net, self.net(lines, left), _spreads(net, self.payment))


def deductions_of(session: Session, *, order_id: int) -> Deductions:
    """Return what was taken off an order."""
    redemptions = tuple(find_of_order(session, order_id=order_id))
    payment = find_payment_of_order(session, order_id=order_id)
    return Deductions(tuple(redemption.discount for redemption in redemptions), payment, redemptions)


def _spreads(net: Sequence[Line], payment: PaymentView) -> Mapping[int, Spread]:
    return spread(net, points=payment.points, amount_fen=payment.amount_fen)
