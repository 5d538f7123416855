"""Baskets with coupons and points, for the tests of checkout."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.checkout import service
from loyalty.checkout.service import ReservedBasket
from loyalty.coupons.held import Use
from loyalty.coupons.queries.wallet import get_coupon
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.terms import Terms
from loyalty.orders.rules import Line
from tests.factories.checkout import SHANGHAI
from tests.factories.coupons import issue_to, make_template
from tests.factories.orders import AT, line

LINES = (line(1, sku="A1", amount_fen=10_000), line(2, sku="A2", amount_fen=5_000))


def coupon_of(session: Session, member_id: int, terms: Terms | None = None) -> int:
    return issue_to(session, member_id, make_template(session, terms)).coupon_id


def use_of(lines: tuple[Line, ...] = LINES) -> Use:
    return Use(None, "store", lines, AT)


def reserve(
    session: Session, member_id: int, *coupon_ids: int, points: int = 0, use: Use | None = None, reference: str = "cart"
) -> ReservedBasket:
    return service.reserve_basket(
        session,
        member_id=member_id,
        use=use or use_of(),
        coupon_ids=coupon_ids,
        points=points,
        reference=reference,
        zone=SHANGHAI,
        actor="partner:1",
    )


def standing(session: Session, coupon_id: int, at: datetime = AT) -> Standing:
    return get_coupon(session, coupon_id=coupon_id, at=at).standing
