"""What members bought in the days after they had entered a campaign.

A member is read through the survivor of merges, as entries and orders are. What was returned whole is no purchase.
"""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, CompoundSelect, Select, and_, func, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from loyalty.campaigns.queries.results.given import is_of_campaign
from loyalty.campaigns.queries.results.sources import grouped, total
from loyalty.campaigns.rules.entries import EntryState
from loyalty.campaigns.rules.intervals import Sample
from loyalty.campaigns.rules.results import Comparison, Group
from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.kernel.business_days import day_of
from loyalty.members.models import Member
from loyalty.orders.models import Order


def purchases(entry: CTE, campaign_id: int, window: timedelta, zone: ZoneInfo) -> Select[Any]:
    """Select what members bought whom the campaign reached; each purchase belongs to their latest entry before it."""
    person = _persons(entry)
    bought = _bought(person, window, person.c.state == EntryState.DONE).subquery("bought")
    had_coupon = (
        select(CouponRedemption.id)
        .join(Coupon, Coupon.id == CouponRedemption.coupon_id)
        .where(CouponRedemption.order_id == bought.c.order_id, CouponRedemption.reversed_at.is_(None))
        .where(*is_of_campaign(campaign_id))
        .exists()
    )
    one = (
        select(bought, had_coupon.label("had_coupon"))
        .ext(distinct_on(bought.c.order_id))
        .order_by(bought.c.order_id, bought.c.entered_at.desc(), bought.c.occurrence)
        .cte("purchase")
        .c
    )
    return grouped(
        *(one.way, one.store_id, day_of(one.paid_at, zone)),
        [
            func.count().label("purchases"),
            total(one.net_fen).label("revenue_fen"),
            func.coalesce(func.sum(one.net_fen).filter(one.had_coupon), 0).label("coupon_revenue_fen"),
        ],
    )


def compared(session: Session, entry: CTE, window: timedelta) -> Comparison:
    """Compare what was bought by those who were to be given something with those who were held out.

    Whoever was merged from both groups has been given something.
    """
    person = _persons(entry)
    members = (
        select(person.c.id, func.bool_and(person.c.state == EntryState.HELD_OUT).label("is_held_out"))
        .group_by(person.c.id)
        .cte("member")
    )
    bought = _bought(person, window).subquery("bought")
    # Once each, though they fall into the days after several entries.
    order = select(bought.c.order_id, bought.c.person_id, bought.c.net_fen).distinct().cte("purchase")
    spent = select(order.c.person_id, func.sum(order.c.net_fen).label("fen")).group_by(order.c.person_id).cte("spent")
    fen = func.coalesce(spent.c.fen, 0)
    rows = session.execute(
        select(
            members.c.is_held_out,
            func.count().label("members"),
            func.count(spent.c.person_id).label("buyers"),
            *(func.sum(fen).label("fen"), func.sum(fen * fen).label("squares")),
        )
        .outerjoin(spent, spent.c.person_id == members.c.id)
        .group_by(members.c.is_held_out)
    )
    groups = {row.is_held_out: Group(row.buyers, Sample(row.members, int(row.fen), int(row.squares))) for row in rows}
    return Comparison(groups.get(False, Group()), groups.get(True, Group()))


def _persons(entry: CTE) -> CTE:
    """Select the entries with who stands behind each by now."""
    one, merged = entry.c, aliased(Member)
    is_merged = and_(merged.id == one.member_id, merged.merged_into_id.is_not(None))
    person_id = func.coalesce(merged.merged_into_id, one.member_id).label("id")
    return (
        select(person_id, one.state, one.way, one.store_id, one.occurrence, one.entered_at)
        .outerjoin(merged, is_merged)
        .cte("person")
    )


def _bought(person: CTE, window: timedelta, *conditions: Any) -> CompoundSelect[Any]:
    """Select the orders in the days after an entry, one row for each of the two."""
    is_after = and_(Order.paid_at >= person.c.entered_at, Order.paid_at < person.c.entered_at + window)
    bought = (
        select(
            Order.id.label("order_id"),
            Order.paid_at,
            (Order.amount_fen - Order.refunded_fen).label("net_fen"),
            *(person.c.id.label("person_id"), person.c.way, person.c.store_id, person.c.entered_at),
            person.c.occurrence,
        )
        .select_from(person)
        .where(~Order.is_refunded, *conditions)
    )
    merged = bought.join(Member, Member.merged_into_id == person.c.id)
    return union_all(
        bought.join(Order, and_(Order.member_id == person.c.id, is_after)),
        merged.join(Order, and_(Order.member_id == Member.id, is_after)),
    )
