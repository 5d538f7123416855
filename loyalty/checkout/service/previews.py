"""Previewing (预估): what a basket would earn, by the code that awards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.checkout.deductions import Deductions
from loyalty.checkout.rules import Basket, paid_in_money, spread
from loyalty.coupons.held import Use, read_held
from loyalty.coupons.service.validating import price_all
from loyalty.earning import service as earning
from loyalty.earning.rules import EarningEvent, FactLine
from loyalty.earning.rules.explaining import explain
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.orders.rules import Line, check_lines


@dataclass(frozen=True, slots=True)
class Preview:
    """What a basket would earn now (本单预计得积分), with the explanations that the award will keep."""

    points: int
    growth: int
    awards: Sequence[Json]
    misses: Sequence[Json]

    @property
    def sentences(self) -> Sequence[str]:
        """Why, and what was lacking, in Chinese."""
        return [explain(explanation) for explanation in (*self.awards, *self.misses)]


def preview(
    session: Session, vault: Vault, *, member_id: int | None, basket: Basket, at: datetime, zone: ZoneInfo
) -> Preview:
    """Return what a basket would earn if it were paid now; nothing is reserved and nothing changes.

    Without a member it is what somebody on the lowest tier would earn.

    Raises:
        InvalidOrder: the basket makes no sense.
        MemberNotFound: there is no such member.
        CouponNotFound, CouponNotUsable: one of the coupons is not the member's, or does not pay for it.
        PointsPaymentRefused: points are to pay more than the coupons leave of it.
    """
    check_lines(basket.lines)
    net = _net(session, member_id, basket, at, zone)
    spreads = spread(net, points=0, amount_fen=basket.points_fen)
    happening = earning.Happening(
        event=EarningEvent.PURCHASE,
        member_id=member_id or 0,
        occurred_at=at,
        store_id=basket.store_id,
        channel=basket.channel,
        lines=fact_lines(paid_in_money(net, net, spreads)),
    )
    if member_id is None:
        gathered = earning.gather_for_anybody(session, happening=happening, zone=zone)
    else:
        gathered = earning.gather_to_look(session, vault, happening=happening, zone=zone)
    outcome = earning.preview(session, facts=gathered.facts, revisions=gathered.revisions, at=at, zone=zone)
    return Preview(outcome.points, outcome.growth, outcome.awards, outcome.misses)


def _net(session: Session, member_id: int | None, basket: Basket, at: datetime, zone: ZoneInfo) -> tuple[Line, ...]:
    if not basket.coupon_ids:
        return basket.lines
    use = Use(basket.store_id, basket.channel, basket.lines, at)
    held = read_held(session, member_id=member_id or 0, coupon_ids=basket.coupon_ids, use=use, zone=zone)
    return Deductions(price_all(held).discounts).net(basket.lines, basket.lines)


def fact_lines(lines: Sequence[Line]) -> tuple[FactLine, ...]:
    """Return the lines of an order as rules look at them."""
    return tuple(FactLine(line.line_number, line.sku, line.category, line.quantity, line.amount_fen) for line in lines)
