"""Reminders (到期提醒): so many days before a coupon lapses its owner is told, once, in one message for a day.

A day that was missed is made up for while the coupon still lives. Each coupon remembers that it was told of, so that
a run may be killed, late or doubled.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    String,
    any_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session, aliased

from loyalty.coupons.models import Coupon, CouponTemplateRevision
from loyalty.coupons.rules.checking import REMINDER_DAYS_MAX
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.rules.terms import REMINDER_DAYS
from loyalty.kernel.clock import business_date, end_of
from loyalty.kernel.database import AnyRow, Json
from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.notices import service as notices
from loyalty.notices.rules import NoticeKind
from loyalty.notices.service import NoticeRequest
from loyalty.points.posting import table_of

PAGE = 1_000
_TOLD_MAX = 3
"""How many sorts of coupons a message names."""
COUPONS = table_of(Coupon)
Cursor = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class ReminderPage:
    """Where a page of coupons ended, and how many members are owed a message by it."""

    cursor: Cursor
    notices_count: int


def plan_reminders(
    session: Session, *, after: Cursor | None = None, at: datetime, zone: ZoneInfo, limit: int = PAGE
) -> ReminderPage | None:
    """Owe the owners of the next coupons that lapse soon a message; None when there are no more.

    It sums all of a member's coupons, those of merged members too. Nobody is told who is only provisional, or closed.
    """
    today = business_date(at, zone)
    until = end_of(today + timedelta(days=REMINDER_DAYS_MAX), zone)
    values = {"at": at, "today": today, "until": until, "zone": zone.key}
    after_at, after_id = after or (at, 0)
    page = session.execute(_PAGE, values | {"after_at": after_at, "after_id": after_id, "limit": limit}).all()
    if not page:
        return None
    due = session.execute(_DUE_OF, values | {"bearer_ids": list({coupon.bearer_id for coupon in page})})
    by_member = {bearer_id: list(coupons) for bearer_id, coupons in groupby(due, key=lambda coupon: coupon.bearer_id)}
    requests = {f"coupons:{today.isoformat()}:{bearer_id}": bearer_id for bearer_id in by_member}
    made = notices.request_many(
        session,
        kind=NoticeKind.COUPONS_EXPIRING,
        requests=[NoticeRequest(one, subject, _facts(by_member[one])) for subject, one in requests.items()],
        zone=zone,
        at=at,
    )
    told = sorted(coupon.id for subject in made for coupon in by_member[requests[subject]])
    session.execute(_REMIND, {"told": told, "at": at})
    return ReminderPage((page[-1].expires_at, page[-1].id), len(made))


def _facts(coupons: Sequence[AnyRow]) -> Json:
    return {
        "coupons_count": len(coupons),
        "expires_on": coupons[0].expires_on.isoformat(),
        "details": _details(coupons),
    }


def _details(coupons: Sequence[AnyRow]) -> str:
    alike = Counter((coupon.expires_on, coupon.title) for coupon in coupons)
    told = "、".join(f"{on.month}月{on.day}日「{title}」{alike[on, title]}张" for on, title in list(alike)[:_TOLD_MAX])
    return told + ("等" if len(alike) > _TOLD_MAX else "")


_INSTANT = DateTime(timezone=True)
_AT, _UNTIL, _AFTER_AT = (bindparam(name, type_=_INSTANT) for name in ("at", "until", "after_at"))
_AFTER_ID = bindparam("after_id", type_=BigInteger)
_TODAY, _ZONE = bindparam("today", type_=Date), bindparam("zone", type_=String)
_BEARER_IDS, _TOLD = (bindparam(name, type_=ARRAY(BigInteger)) for name in ("bearer_ids", "told"))
_EXPIRES_ON: Any = cast(func.timezone(_ZONE, Coupon.expires_at) - timedelta(microseconds=1), Date)
"""The last business date on which a coupon can be used."""

_TERMS = CouponTemplateRevision.terms
_REMINDER_DAYS: Any = case((_TERMS.has_key("reminder_days"), _TERMS["reminder_days"].as_integer()), else_=REMINDER_DAYS)
"""As stored: what the empty template says is left out, and none at all is null."""


def _due(*columns: Any) -> Any:
    """Select coupons that lapse within the days of their terms and of which nobody was told yet."""
    bearer = aliased(Member)
    return (
        select(Coupon.id, Coupon.expires_at, bearer.id.label("bearer_id"), *columns)
        .join(CouponTemplateRevision, CouponTemplateRevision.id == Coupon.revision_id)
        .join(Member, Member.id == Coupon.member_id)
        .join(bearer, (bearer.id == func.coalesce(Member.merged_into_id, Member.id)) & bearer.status.in_(LIVING))
        .where(
            Coupon.state.in_([CouponState.ISSUED, CouponState.LOCKED]),
            Coupon.expires_at > _AT,
            Coupon.expires_at <= _UNTIL,
            Coupon.reminded_at.is_(None),
            _REMINDER_DAYS >= _EXPIRES_ON - _TODAY,
        )
    )


_PAGE = (
    _due()
    .where(tuple_(Coupon.expires_at, Coupon.id) > tuple_(_AFTER_AT, _AFTER_ID))
    .order_by(Coupon.expires_at, Coupon.id)
    .limit(bindparam("limit", type_=BigInteger))
)
_DUE_OF = (
    _due(_EXPIRES_ON.label("expires_on"), _TERMS["title"].as_string().label("title"))
    .where(or_(Member.id == any_(_BEARER_IDS), Member.merged_into_id == any_(_BEARER_IDS)))
    .order_by("bearer_id", Coupon.expires_at, Coupon.id)
)
_HELD = (
    select(COUPONS.c.id)
    .where(COUPONS.c.id == any_(_TOLD))
    .order_by(COUPONS.c.id)
    .with_for_update(key_share=True)
    .cte("held")
)
_REMIND = update(COUPONS).where(COUPONS.c.id == _HELD.c.id).values(reminded_at=_AT)
