"""One order of a member with all that became of it: its refunds, what it earned and why, the points that paid."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from loyalty.checkout.queries import PaymentView, find_payment_of_order
from loyalty.checkout.service.refunds import order_reference
from loyalty.earning.evaluations import find_kept
from loyalty.earning.rules.explaining import explain
from loyalty.members.queries import family_of
from loyalty.orders.queries import OrderView, RefundView, get_order, list_refunds
from loyalty.orders.rules import OrderNotFound


@dataclass(frozen=True, slots=True)
class Earned:
    """What an order earned, a sentence for each rule that paid or did not, and what its refunds left of it."""

    points: int
    growth: int
    awards: Sequence[str]
    misses: Sequence[str]
    points_left: int
    growth_left: int
    coupons_kept: int
    """Coupons that are not earned any more, but were used or had lapsed."""


@dataclass(frozen=True, slots=True)
class ExplainedOrder:
    """An order in its latest version; ``earned`` is empty when there was no rule for it."""

    order: OrderView
    refunds: Sequence[RefundView]
    earned: Earned | None
    payment: PaymentView | None


def explained_order(session: Session, *, member_id: int, order_id: int) -> ExplainedOrder:
    """Return an order of a member, or of somebody merged into them.

    Raises:
        OrderNotFound: they have no such order.
    """
    order = get_order(session, order_id=order_id)
    if order.member_id not in family_of(session, member_id=member_id):
        raise OrderNotFound(order_id=order_id)
    return ExplainedOrder(
        order=order,
        refunds=list_refunds(session, order_id=order_id),
        earned=_earned(session, order),
        payment=find_payment_of_order(session, order_id=order_id),
    )


def _earned(session: Session, order: OrderView) -> Earned | None:
    assert order.member_id is not None, "its member was found"
    kept = find_kept(session, member_id=order.member_id, reference=order_reference(order.id))
    if kept is None:
        return None
    return Earned(
        points=kept.points,
        growth=kept.growth,
        # A correction after which a rule pays nothing any more keeps no explanation of it.
        awards=[explain(explanation) for explanation in kept.awards if "name" in explanation],
        misses=[explain(explanation) for explanation in kept.view.misses],
        points_left=sum(standing.points for standing in kept.standings),
        growth_left=sum(standing.growth for standing in kept.standings),
        coupons_kept=sum(standing.coupon_kept is not None for standing in kept.standings),
    )
