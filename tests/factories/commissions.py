"""Commissions for tests: a plan, friends whose invitation stands, and the jobs' pages run to their end."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.commissions import service
from loyalty.commissions.models import Commission
from loyalty.commissions.rules.plan import WARNING_VERSION, Plan, Rate
from loyalty.commissions.service import plans
from loyalty.kernel.audit import Actor
from loyalty.members.models import Member
from loyalty.referrals.service import settling
from tests.factories.checkout import buy
from tests.factories.earnings import figures
from tests.factories.members import make_member
from tests.factories.orders import AT, line, make_purchase
from tests.factories.referrals import invite, referral_of

ACTOR = Actor("staff:1")
SHANGHAI = ZoneInfo("Asia/Shanghai")
FIVE_PERCENT = (Rate(basis_points=500),)
LAST_MONTH = AT - timedelta(days=30)
WINDOW_OVER = AT + timedelta(days=8)


def plan_of(**changes: Any) -> Plan:
    """5% of everything, approved after 7 days, unless told otherwise."""
    return Plan(**({"title": "好友佣金", "first": FIVE_PERCENT} | changes))


def publish_plan(session: Session, *, at: datetime = LAST_MONTH, **changes: Any) -> int:
    plans.save_draft(session, plan=plan_of(**changes), actor=ACTOR, at=at)
    return plans.publish(session, acknowledged_text=WARNING_VERSION, actor=ACTOR, at=at)


def invite_friend(session: Session, referrer: Member, *, at: datetime = LAST_MONTH) -> Member:
    """A friend of a referrer who may earn, whom risk let pass; a programme must be in force."""
    friend = invite(session, referrer, at=at)
    settling.qualify(session, referral=referral_of(session, friend.id), at=at)
    return friend


def bought(session: Session, member: Member, amount_fen: int = 10_000, **others: Any) -> int:
    """Buy through checkout; return the order's id."""
    paid_at = others.get("paid_at", AT)
    purchase = make_purchase(member.id, line(amount_fen=amount_fen), **others)
    return buy(session, purchase, at=max(AT, paid_at)).order_id


def accrue(session: Session, *, at: datetime = AT) -> int:
    """Run the accrual to its end; return how many commissions it made."""
    place, made = service.first_place(session), 0
    while (page := service.accrue_page(session, after=place, at=at, zone=SHANGHAI)).last is not None:
        place, made = page.last, made + page.commissions
    return made


def approve(session: Session, *, at: datetime = WINDOW_OVER) -> int:
    """Run the approval to its end; return how many it approved."""
    last, approved = None, 0
    while (page := service.approve_page(session, after=last, at=at)).last is not None:
        last, approved = page.last, approved + page.approved
    return approved


def commissions_of(session: Session, order_id: int) -> list[Commission]:
    query = select(Commission).where(Commission.order_id == order_id).order_by(Commission.level)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def commission_of(session: Session, order_id: int) -> Commission:
    (only,) = commissions_of(session, order_id)
    return only


def make_referrer(session: Session) -> Member:
    return make_member(session)


def money(session: Session, member: Member) -> tuple[int, int, int]:
    """Pending, available and owed."""
    return figures(session, member.id)


def say(session: Session, member: Member, **values: Any) -> None:
    """Let a member be what no quick way leads to, such as closed."""
    session.execute(update(Member).where(Member.id == member.id).values(**values))
    session.expire_all()
