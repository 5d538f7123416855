"""Coupon templates and coupons for tests."""

from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import CashOff, Claiming, DaysFromIssue, MemberLimits, Terms
from loyalty.coupons.service.issuing import Issued, issue
from loyalty.coupons.service.templates import create_template, publish
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from tests.factories.points import AT

ACTOR = Actor("system:tests")
SHANGHAI = ZoneInfo("Asia/Shanghai")
_numbers = count(1)


def terms_of(**changes: Any) -> Terms:
    """Return terms: ¥20 off ¥100, thirty days, in the centre, as many as one likes, unless told otherwise."""
    values: dict[str, Any] = {
        "title": f"满减券{next(_numbers)}",
        "worth": CashOff(2_000),
        "threshold_fen": 10_000,
        "validity": DaysFromIssue(30),
        "member_limits": MemberLimits(total=None),
        "claiming": Claiming(is_in_centre=True),
    }
    return Terms(**(values | changes))


def make_template(
    session: Session,
    terms: Terms | None = None,
    *,
    stock: int | None = 100,
    actor: Actor = ACTOR,
    at: datetime = AT,
) -> int:
    """Return a published template."""
    template_id = create_template(session, terms=terms or terms_of(), stock=stock, actor=actor, at=at)
    publish(session, template_id=template_id, actor=actor, at=at)
    return template_id


def issue_to(
    session: Session,
    member_id: int,
    template_id: int,
    *,
    reference: str | None = None,
    path: IssuePath = IssuePath.STAFF,
    at: datetime = AT,
    store_id: int | None = None,
) -> Issued:
    """Give a member a coupon."""
    return issue(
        session,
        template_id=template_id,
        member_id=member_id,
        path=path,
        reference=reference or f"test:{next(_numbers)}",
        at=at,
        zone=SHANGHAI,
        store_id=store_id,
    )


def issued_of(database: Database, template_id: int) -> tuple[int, int]:
    """Return how many coupons there are, and how many the stock says."""

    def count(session: Session) -> tuple[int, int]:
        rows = session.scalars(select(func.count()).where(Coupon.template_id == template_id)).one()
        return rows, get_template(session, template_id=template_id).issued

    return run(database, count)
