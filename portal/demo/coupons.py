"""Coupons of some demo members (优惠券): what they hold and used, and codes on a leaflet."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from loyalty.container import Container
from loyalty.coupons.held import Use
from loyalty.coupons.queries.codes import list_batches
from loyalty.coupons.rules.by_hand import GiveReason
from loyalty.coupons.service import by_hand, claiming
from loyalty.coupons.service.code_batches import make_batch
from loyalty.coupons.service.redeeming import redeem
from loyalty.kernel import outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Session
from loyalty.members.queries import find_by_phone
from loyalty.points.rules import InsufficientPoints
from portal.demo.chain import ACTOR, STORE_CODES
from portal.demo.coupon_templates import CASH_OFF, FOR_POINTS, GIFT, PERCENT_OFF
from portal.demo.people import DemoMember
from portal.demo.purchases import TEA

HOLDERS = 40
CODES = 500


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
        use = Use(store_ids[STORE_CODES[number % len(STORE_CODES)]], "pos", (TEA,), used_at)
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
