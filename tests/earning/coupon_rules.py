"""What tests of rules that give coupons do again and again: make one, buy, and look at what came of it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.checkout.service import PurchaseOutcome
from loyalty.coupons.models import Coupon
from loyalty.earning.rules import Conditions, Definition, EarningEvent
from loyalty.limits.models import LimitCounter
from tests.factories.checkout import buy
from tests.factories.earning import make_rule
from tests.factories.orders import line, make_purchase

OVER_100 = Conditions(minimum_amount_fen=10_000)


def coupon_rule(session: Session, template_id: int, *, name: str = "满百送券", **changes: Any) -> int:
    told: dict[str, Any] = {"event": EarningEvent.PURCHASE, "coupon_template_id": template_id, "conditions": OVER_100}
    return make_rule(session, Definition(**(told | changes)), name=name)


def bought(session: Session, member_id: int, amount_fen: int = 10_000, **changes: Any) -> PurchaseOutcome:
    return buy(session, make_purchase(member_id, line(amount_fen=amount_fen), **changes))


def coupons_of(session: Session, member_id: int) -> list[Coupon]:
    return list(session.scalars(select(Coupon).where(Coupon.member_id == member_id).order_by(Coupon.id)))


def used_of(session: Session, template_id: int) -> set[int]:
    """What every counter of a template holds."""
    session.flush()
    counters = select(LimitCounter.entity, LimitCounter.period, LimitCounter.used)
    sums: dict[tuple[str, str], int] = {}
    for entity, period, used in session.execute(
        counters.where(LimitCounter.subject == f"coupon_template:{template_id}")
    ):
        sums[entity, period] = sums.get((entity, period), 0) + used
    return set(sums.values())
