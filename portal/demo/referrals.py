"""Invitations of the demo chain (邀请与佣金): a programme, a plan, and friends who came, bought and were looked at.

They go through the services at the time it is said to have happened, so that every fen is explained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.checkout.service import purchase
from loyalty.commissions import service as commissions
from loyalty.commissions.rules.plan import Plan, Rate
from loyalty.commissions.service import Place
from loyalty.commissions.service import plans as commission_plans
from loyalty.container import Container
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Session
from loyalty.orders.rules import Line, Purchase
from loyalty.referrals.queries.programmes import current_programme
from loyalty.referrals.queries.shares import visitor_of
from loyalty.referrals.rules.programme import Caps, Programme, Reward
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.sharing import Purpose as SharePurpose
from loyalty.referrals.service import attribution, programmes, settling
from loyalty.referrals.service.openings import open_link
from loyalty.referrals.service.sharing import mint
from loyalty.risk import service as risk
from loyalty.risk.queries.rules import current_rules
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.segments.service import follow_order
from portal.demo.chain import ACTOR, STORE_CODES
from portal.demo.promoter import Guise, appear, enrol

PROGRAMME = Programme(
    title="邀请好友入会",
    description="好友通过您的邀请入会后，您得 100 积分，好友得 50 积分。每天最多奖励 10 人，奖励在次日核实后发放。",
    share_title="来示例连锁喝一杯茶",
    referrer=Reward(points=100),
    referee=Reward(points=50),
    caps=Caps(per_day=10, per_month=60),
)
PLAN = Plan(
    title="好友消费佣金",
    first=(Rate(basis_points=800, categories=frozenset({"礼盒"})), Rate(basis_points=300)),
    months=12,
    pending_days=7,
    order_cap_fen=200_000,
)
GIFT_BOX_FEN = 26_800
_PROMOTER_DEVICE, _SHARED_DEVICE = "demo-device-promoter", "demo-device-shared"


@dataclass(frozen=True, slots=True)
class Friend:
    """Who came by the invitation, how long ago, on which device, and what they bought two days later."""

    name: str
    came: timedelta
    gift_boxes: int = 0
    device: str = ""


FRIENDS = (
    Friend("茶友阿明", timedelta(days=20), gift_boxes=50),
    Friend("茶友小芳", timedelta(days=18), gift_boxes=30),
    Friend("茶友老周", timedelta(days=9), device=_SHARED_DEVICE),
    Friend("茶友小周", timedelta(days=8), device=_SHARED_DEVICE),
    Friend("小鹿本人", timedelta(days=6), device=_PROMOTER_DEVICE),
    Friend("茶友佳佳", timedelta(days=5), gift_boxes=4),
    Friend("茶友思远", timedelta(hours=2)),
)
"""The two on one device are held for review, who came on the promoter's own is refused, the last still waits."""


def seed_invitation_rules(session: Session, container: Container, *, actor: Actor, at: datetime) -> bool:
    """Open invitations, commissions and the rules of risk, where there was never a programme."""
    if current_programme(session) is not None:
        return False
    programmes.save_draft(session, programme=PROGRAMME, actor=ACTOR, at=at)
    programmes.publish(session, actor=ACTOR, at=at)
    commission_plans.save_draft(session, plan=PLAN, actor=ACTOR, at=at)
    commission_plans.publish(session, actor=ACTOR, at=at)
    risk.save_rules(session, rules=current_rules(session).rules, actor=actor, at=at)
    blocked = Target(BlockKind.DEVICE, "demo-device-of-a-click-farm")
    risk.block(
        session,
        vault=container.vault,
        target=blocked,
        reason="同一设备反复注册领取新人礼",
        expires_at=at + timedelta(days=300),
        actor=actor,
        at=at,
    )
    return True


def invite_friends(
    session: Session, container: Container, guise: Guise, *, store_ids: Mapping[str, int], source: str, at: datetime
) -> list[int] | None:
    """Let the promoter invite friends; return all of them, the promoter first, or nothing where the phone is taken."""
    enrolled_at = at - FRIENDS[0].came - timedelta(days=10)
    identity_id = appear(session, container, guise, at=enrolled_at)
    promoter_id = enrol(session, container, guise, identity_id=identity_id, at=enrolled_at)
    if promoter_id is None:
        return None
    seen = Subject(promoter_id, device=_PROMOTER_DEVICE)
    risk.note_sighting(session, vault=container.vault, occasion=Occasion.ENROLMENT, subject=seen, at=enrolled_at)
    shops = (store_ids[STORE_CODES[0]], source)
    members = [promoter_id]
    for number, friend in enumerate(FRIENDS, start=1):
        member_id = _come(session, container, promoter_id, number, friend, shops, at)
        if member_id is not None:
            members.append(member_id)
    for referral_id in settling.due(session, after_id=0, at=at):
        settling.settle(session, vault=container.vault, referral_id=referral_id, at=at, zone=container.zone)
    return members


def pay_commissions(session: Session, container: Container, *, until: datetime) -> None:
    """Accrue what friends' orders earned until an instant, and approve what is no longer pending by then."""
    # A page takes more orders than the demo chain has, and is told anew from the beginning of its time.
    beginning = Place(until - timedelta(days=400), 0)
    while (page := commissions.accrue_page(session, after=beginning, at=until, zone=container.zone)).last is not None:
        beginning = page.last
    commissions.approve_page(session, after=None, at=until)


def _come(
    session: Session,
    container: Container,
    promoter_id: int,
    number: int,
    friend: Friend,
    shops: tuple[int, str],
    at: datetime,
) -> int | None:
    """Let a friend open the link, enrol a minute later, and buy."""
    vault, opened_at = container.vault, at - friend.came
    enrolled_at = opened_at + timedelta(minutes=1)
    device = friend.device or f"demo-device-{number}"
    guise = Guise(f"demo-friend-{number}", f"+86139000009{number:02d}", friend.name)
    identity_id = appear(session, container, guise, at=opened_at)
    share = mint(
        session, member_id=promoter_id, channel=Channel.MINI_PROGRAM, purpose=SharePurpose.REFERRAL, at=opened_at
    )
    visitor = visitor_of(session, identity_id=identity_id, device=device)
    open_link(session, vault=vault, token=share.token, visitor=visitor, at=opened_at)
    seen = Subject(None, identity_id, device=device)
    risk.note_sighting(session, vault=vault, occasion=Occasion.ENROLMENT, subject=seen, at=enrolled_at)
    member_id = enrol(session, container, guise, identity_id=identity_id, at=enrolled_at)
    if member_id is None:
        return None
    attribution.attribute(session, vault=vault, member_id=member_id, at=enrolled_at)
    if friend.gift_boxes:
        _buy(session, container, member_id, number, friend, shops, enrolled_at + timedelta(days=2))
    return member_id


def _buy(
    session: Session,
    container: Container,
    member_id: int,
    number: int,
    friend: Friend,
    shops: tuple[int, str],
    at: datetime,
) -> None:
    store_id, source = shops
    lines = (Line(1, "GIFT-BOX-03", "礼盒", friend.gift_boxes, friend.gift_boxes * GIFT_BOX_FEN),)
    bought = Purchase(source, f"FRIEND-{number:02d}", member_id, store_id, "pos", at, lines)
    sold = purchase(session, container.vault, purchase=bought, at=at, zone=container.zone)
    follow_order(session, order_id=sold.order_id, zone=container.zone)
