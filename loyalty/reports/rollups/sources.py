"""Where the figures come from: one reckoning from the rows, for the roll-ups, what they lack, and their proof."""

from datetime import date
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    cast,
    func,
    literal_column,
    select,
    union,
    union_all,
)

from loyalty.campaigns.models import CampaignEntry
from loyalty.campaigns.rules.entries import EntryState
from loyalty.check_ins.models import CheckIn
from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.kernel.business_days import day_of, within
from loyalty.members.models import Member
from loyalty.orders.models import Order
from loyalty.points.posting import ENTRIES, table_of
from loyalty.points.rules import EntryKind
from loyalty.reports.rollups.figures import FACTS, POINTS

Counted: TypeAlias = Select[*tuple[Any, ...]]
"""A statement of figures, whose columns the type checker need not follow."""
MEMBERS, CHECK_INS, COUPONS, USES, ORDERS, ENTERED = map(
    table_of, (Member, CheckIn, Coupon, CouponRedemption, Order, CampaignEntry)
)
_NONE = literal_column("0", BigInteger)
HOME = func.coalesce(MEMBERS.c.enrolled_store_id, _NONE)
"""The store that enrolled a member."""
_KIND, _IS_GAIN = ENTRIES.c.kind, ENTRIES.c.points > 0
POINTS_OF = {
    "points_issued": (1, (_KIND == EntryKind.EARN) | ((_KIND == EntryKind.ADJUST) & _IS_GAIN)),
    "points_spent": (-1, _KIND == EntryKind.SPEND),
    "points_expired": (-1, _KIND == EntryKind.EXPIRE),
    "points_deducted": (-1, (_KIND == EntryKind.ADJUST) & ~_IS_GAIN),
    "points_reversed": (1, _KIND == EntryKind.REVERSE),
    "points_moved": (1, _KIND == EntryKind.TRANSFER),
}
"""Which entries a figure of points adds up, and whether it counts them as they are or turned round."""


def points_of_days(zone: ZoneInfo, *conditions: ColumnElement[bool]) -> Counted:
    """Select the points of entries by the business date on which they occurred and their member's store."""
    row = ENTRIES.c
    day = day_of(row.occurred_at, zone)

    def total(name: str) -> ColumnElement[int]:
        sign, condition = POINTS_OF[name]
        return cast(func.coalesce(func.sum(row.points).filter(condition), 0) * sign, BigInteger).label(name)

    points: Counted = (
        select(
            day.label("business_on"),
            HOME.label("store_id"),
            func.count().label("entries"),
            *(total(name) for name in POINTS),
        )
        .select_from(ENTRIES.join(MEMBERS, MEMBERS.c.id == row.member_id))
        .where(*conditions)
        .group_by(day, HOME)
    )
    return points


def facts_of_days(first: date, last: date, zone: ZoneInfo) -> Counted:
    """Select everything else by business date and store, of the days from the first to the last."""
    parts = union_all(
        _enrolments(first, last, zone),
        _check_ins(first, last),
        _active(first, last, zone),
        _coupons(first, last, zone),
        _uses(first, last, zone),
        _purchases(first, last, zone),
        _campaigns(first, last, zone),
    ).subquery("parts")
    return added_up(parts, FACTS, parts.c.business_on, parts.c.store_id)


def added_up(rows: Subquery, names: tuple[str, ...], *keys: ColumnElement[Any]) -> Counted:
    """Select sums of some figures for each key."""
    # Sums of bigint are numeric, which no column and no page wants to see.
    sums = (cast(func.sum(rows.c[name]), BigInteger).label(name) for name in names)
    return select(*keys, *sums).group_by(*keys)


def acts_of_days(first: date, last: date, zone: ZoneInfo) -> Subquery:
    """Select who was active on which day, once each."""
    on = CHECK_INS.c.checked_in_on
    return union(
        select(on.label("business_on"), CHECK_INS.c.member_id).where(on.between(first, last)),
        select(day_of(ORDERS.c.paid_at, zone), ORDERS.c.member_id).where(stands(first, last, zone)),
        select(day_of(USES.c.redeemed_at, zone), USES.c.member_id).where(is_used(first, last, zone)),
    ).subquery("acts")


def of_home(rows: FromClause) -> FromClause:
    """Join the members of some rows, whose store the rows count at."""
    return rows.join(MEMBERS, MEMBERS.c.id == rows.c.member_id)


def stands(first: date, last: date, zone: ZoneInfo) -> ColumnElement[bool]:
    """Tell whether an order was paid on one of the days and something is left of it."""
    return within(ORDERS.c.paid_at, first, last, zone) & ORDERS.c.is_refunded.is_(False)


def is_used(first: date, last: date, zone: ZoneInfo) -> ColumnElement[bool]:
    """Tell whether a coupon was used on one of the days and the use was not taken back."""
    return within(USES.c.redeemed_at, first, last, zone) & USES.c.reversed_at.is_(None)


def is_reached(first: date, last: date, zone: ZoneInfo) -> ColumnElement[bool]:
    """Tell whether a campaign gave a member what it gives on one of the days."""
    return (ENTERED.c.state == EntryState.DONE) & within(ENTERED.c.done_at, first, last, zone)


def _part(day: ColumnElement[date], store: ColumnElement[int], **figures: ColumnElement[int]) -> Counted:
    columns = (figures.get(name, _NONE).label(name) for name in FACTS)
    part: Counted = select(day.label("business_on"), store.label("store_id"), *columns)
    return part.group_by(day, store)


def _enrolments(first: date, last: date, zone: ZoneInfo) -> Counted:
    enrolled_at = MEMBERS.c.enrolled_at
    counted = _part(day_of(enrolled_at, zone), HOME, new_members=func.count())
    return counted.where(within(enrolled_at, first, last, zone))


def _check_ins(first: date, last: date) -> Counted:
    on = CHECK_INS.c.checked_in_on
    return _part(on, HOME, check_ins=func.count()).select_from(of_home(CHECK_INS)).where(on.between(first, last))


def _active(first: date, last: date, zone: ZoneInfo) -> Counted:
    acts = acts_of_days(first, last, zone)
    return _part(acts.c.business_on, HOME, active_members=func.count()).select_from(of_home(acts))


def _coupons(first: date, last: date, zone: ZoneInfo) -> Counted:
    issued_at = COUPONS.c.issued_at
    counted = _part(day_of(issued_at, zone), HOME, coupons_issued=func.count()).select_from(of_home(COUPONS))
    return counted.where(within(issued_at, first, last, zone))


def _uses(first: date, last: date, zone: ZoneInfo) -> Counted:
    row = USES.c
    use = (row.member_id, row.reference)
    found = (
        select(
            day_of(row.redeemed_at, zone).label("business_on"),
            func.coalesce(row.store_id, _NONE).label("store_id"),
            row.discount_fen,
            (row.basket_fen - func.sum(row.discount_fen).over(partition_by=use)).label("paid_fen"),
            # A basket with two coupons is one purchase.
            func.row_number().over(partition_by=use, order_by=row.id).label("number"),
        )
        .where(is_used(first, last, zone))
        .subquery("uses")
    )
    one = found.c
    return _part(
        one.business_on,
        one.store_id,
        coupons_used=func.count(),
        coupon_revenue_fen=func.coalesce(func.sum(one.paid_fen).filter(one.number == 1), 0),
        coupon_discount_fen=func.sum(one.discount_fen),
    )


def _purchases(first: date, last: date, zone: ZoneInfo) -> Counted:
    row = ORDERS.c
    return _part(
        day_of(row.paid_at, zone),
        func.coalesce(row.store_id, _NONE),
        purchases=func.count(),
        purchases_fen=func.sum(row.amount_fen - row.refunded_fen),
    ).where(stands(first, last, zone))


def _campaigns(first: date, last: date, zone: ZoneInfo) -> Counted:
    row = ENTERED.c
    store_id = func.coalesce(row.store_id, _NONE)
    counted = _part(day_of(row.done_at, zone), store_id, campaign_reached=func.count())
    return counted.where(is_reached(first, last, zone))
