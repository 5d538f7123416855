"""Coupon templates of the demo chain (券模板): one of every kind, and a flash sale that opens tomorrow."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from loyalty.container import Container
from loyalty.coupons.queries.templates import list_templates
from loyalty.coupons.rules.terms import (
    BonusStep,
    CashOff,
    Claiming,
    DaysFromIssue,
    Gift,
    MemberLimits,
    PercentOff,
    Stacking,
    Stock,
    Terms,
)
from loyalty.coupons.service.templates import create_template, publish
from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.database import Session
from portal.demo.chain import ACTOR

CASH_OFF, PERCENT_OFF, GIFT, FOR_POINTS, FLASH_SALE = (
    "满 100 减 20",
    "8.5 折券",
    "赠饮券",
    "积分换 20 元",
    "10 点秒杀券",
)
_IN_CENTRE = Claiming(is_in_centre=True)
_OPENS = timedelta(days=1, hours=10)


def seed_coupon_templates(session: Session, container: Container, *, at: datetime, now: datetime) -> dict[str, int]:
    """Publish the templates where there are none; return the ids by title."""
    known = list_templates(session).items
    if known:
        return {template.terms.title: template.id for template in known}
    today = start_of(business_date(now, container.zone), container.zone)
    made: dict[str, int] = {}
    for terms, stock in (*_lasting(), _flash_sale(today + _OPENS)):
        made[terms.title] = create_template(session, terms=terms, stock=stock, actor=ACTOR, at=at)
        publish(session, template_id=made[terms.title], actor=ACTOR, at=at)
    return made


def _lasting() -> Sequence[tuple[Terms, int | None]]:
    """Each with its stock."""
    cash_off = Terms(
        title=CASH_OFF,
        worth=CashOff(20_00),
        threshold_fen=100_00,
        validity=DaysFromIssue(30),
        claiming=_IN_CENTRE,
        bonus=(BonusStep(3, 30),),
        description="全场通用，特价商品除外。",
    )
    percent_off = Terms(
        title=PERCENT_OFF,
        worth=PercentOff(15, 50_00),
        validity=DaysFromIssue(14),
        member_limits=MemberLimits(total=3, per_day=1),
        stacking=Stacking(is_exclusive=False),
        claiming=_IN_CENTRE,
    )
    gift = Terms(
        title=GIFT,
        worth=Gift("美式咖啡一杯"),
        validity=DaysFromIssue(30),
        member_limits=MemberLimits(total=None),
        stacking=Stacking(is_exclusive=False),
    )
    for_points = Terms(
        title=FOR_POINTS,
        worth=CashOff(20_00),
        threshold_fen=50_00,
        validity=DaysFromIssue(60),
        member_limits=MemberLimits(total=5),
        claiming=Claiming(is_in_centre=True, points_price=200),
        stacking=Stacking(is_exclusive=False),
    )
    return ((cash_off, 10_000), (percent_off, 5_000), (gift, None), (for_points, 1_000))


def _flash_sale(opens_at: datetime) -> tuple[Terms, int | None]:
    claiming = Claiming(is_in_centre=True, opens_at=opens_at, closes_at=opens_at + timedelta(hours=2))
    terms = Terms(
        title=FLASH_SALE,
        worth=CashOff(50_00),
        threshold_fen=100_00,
        validity=DaysFromIssue(3),
        stock=Stock(per_day=100),
        claiming=claiming,
    )
    return terms, 100
