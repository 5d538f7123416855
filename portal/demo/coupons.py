"""Coupons of the demo chain (优惠券): templates of every kind, what some members hold and used, codes on a leaflet."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from loyalty.container import Container
from loyalty.coupons.held import Use
from loyalty.coupons.queries.codes import list_batches
from loyalty.coupons.queries.templates import list_templates
from loyalty.coupons.rules.by_hand import GiveReason
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
from loyalty.coupons.service import by_hand, claiming
from loyalty.coupons.service.code_batches import make_batch
from loyalty.coupons.service.redeeming import redeem
from loyalty.coupons.service.templates import create_template, publish
from loyalty.kernel import outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.database import Session
from loyalty.members.queries import find_by_phone
from loyalty.orders.rules import Line
from loyalty.points.rules import InsufficientPoints
from portal.demo.chain import ACTOR, STORE_CODES
from portal.demo.people import DemoMember

CASH_OFF, PERCENT_OFF, GIFT, FOR_POINTS, FLASH_SALE = (
    "满 100 减 20",
    "8.5 折券",
    "赠饮券",
    "积分换 20 元",
    "10 点秒杀券",
)
HOLDERS = 40
CODES = 500
_IN_CENTRE = Claiming(is_in_centre=True)
_OPENS = timedelta(days=1, hours=10)
_TEA = Line(1, "TEA-OOLONG-250", "茶叶", 1, 12_800)


def seed_coupon_templates(session: Session, container: Container, *, at: datetime, now: datetime) -> dict[str, int]:
    """Publish the templates where there are none; return the ids by title."""
    known = list_templates(session).items
    if known:
        return {template.terms.title: template.id for template in known}
    today = start_of(business_date(now, container.zone), container.zone)
    made: dict[str, int] = {}
    for terms, stock in _templates(today + _OPENS):
        made[terms.title] = create_template(session, terms=terms, stock=stock, actor=ACTOR, at=at)
        publish(session, template_id=made[terms.title], actor=ACTOR, at=at)
    return made


def seed_coupons(
    session: Session,
    container: Container,
    *,
    templates: Mapping[str, int],
    store_ids: Mapping[str, int],
    members: Sequence[DemoMember],
    actor: Actor,
    at: datetime,
) -> bool:
    """Let members claim, exchange, be given and use coupons, and print codes, where nobody has any codes yet."""
    if not members or GIFT not in templates or list_batches(session, template_id=templates[GIFT]):
        return False
    found = (find_by_phone(session, vault=container.vault, phone=one.phone) for one in members[:HOLDERS])
    ids = [view.id for view in found if view is not None]
    for number, member_id in enumerate(ids):
        _live(session, container, number, member_id, templates, store_ids, actor, at)
    make_batch(session, template_id=templates[GIFT], name="门店传单", count=CODES, actor=actor, at=at)
    outbox.drop(session, member_ids=ids, recorded_before=at)
    return True


def _live(
    session: Session,
    container: Container,
    number: int,
    member_id: int,
    templates: Mapping[str, int],
    store_ids: Mapping[str, int],
    actor: Actor,
    at: datetime,
) -> None:
    claimed_at, used_at, zone = at - timedelta(minutes=10), at - timedelta(minutes=5), container.zone
    title = CASH_OFF if number % 2 == 0 else PERCENT_OFF
    coupon = claiming.claim(
        session, template_id=templates[title], member_id=member_id, key=f"demo-{number}", at=claimed_at, zone=zone
    )
    if number % 5 == 0:
        use = Use(store_ids[STORE_CODES[number % len(STORE_CODES)]], "pos", (_TEA,), used_at)
        reference = f"demo-{number}"
        redeem(
            session, member_id=member_id, coupon_ids=[coupon.coupon_id], reference=reference, use=use, zone=zone,
            actor=ACTOR.name,
        )  # fmt: skip
    if number % 7 == 0:
        given = templates[GIFT]
        by_hand.give(
            session, template_id=given, member_id=member_id, key=f"demo-{number}", reason=GiveReason.CARE, actor=actor,
            at=used_at, zone=zone,
        )  # fmt: skip
    if number % 3 == 0:
        with suppress(InsufficientPoints):
            exchanged = templates[FOR_POINTS]
            claiming.claim(
                session, template_id=exchanged, member_id=member_id, key=f"demo-points-{number}", at=used_at, zone=zone
            )


def _templates(opens_at: datetime) -> Sequence[tuple[Terms, int | None]]:
    """Each with its stock."""
    flash = Claiming(is_in_centre=True, opens_at=opens_at, closes_at=opens_at + timedelta(hours=2))
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
    )
    flash_sale = Terms(
        title=FLASH_SALE,
        worth=CashOff(50_00),
        threshold_fen=100_00,
        validity=DaysFromIssue(3),
        stock=Stock(per_day=100),
        claiming=flash,
    )
    return ((cash_off, 10_000), (percent_off, 5_000), (gift, None), (for_points, 1_000), (flash_sale, 100))
