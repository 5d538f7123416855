"""Where the figures come from: one reckoning from the rows, for the roll-ups, what they lack, and their proof."""

from datetime import date
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
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

from loyalty.check_ins.models import CheckIn
from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.kernel import clock
from loyalty.members.models import Member
from loyalty.orders.models import Order
from loyalty.points.posting import ENTRIES, table_of
from loyalty.points.rules import EntryKind
from loyalty.reports.rollups.figures import FACTS

Counted: TypeAlias = Select[*tuple[Any, ...]]
"""A statement of figures, whose columns the type checker need not follow."""
MEMBERS, CHECK_INS, COUPONS, USES, ORDERS = map(table_of, (Member, CheckIn, Coupon, CouponRedemption, Order))
_NONE = literal_column("0", BigInteger)
_HOME = func.coalesce(MEMBERS.c.enrolled_store_id, _NONE)


def points_of_days(zone: ZoneInfo, *conditions: ColumnElement[bool]) -> Counted:
    """Select the points of entries by the business date on which they occurred and their member's store."""
    row = ENTRIES.c
    day = day_of(row.occurred_at, zone)

    def total(sign: int, condition: ColumnElement[bool]) -> ColumnElement[int]:
        return cast(func.coalesce(func.sum(row.points).filter(condition), 0) * sign, BigInteger)

    is_given_by_hand = row.kind == EntryKind.ADJUST
    points: Counted = (
        select(
            day.label("business_on"),
            _HOME.label("store_id"),
            func.count().label("entries"),
            total(1, (row.kind == EntryKind.EARN) | (is_given_by_hand & (row.points > 0))).label("points_issued"),
            total(-1, row.kind == EntryKind.SPEND).label("points_spent"),
            total(-1, row.kind == EntryKind.EXPIRE).label("points_expired"),
            total(-1, is_given_by_hand & (row.points < 0)).label("points_deducted"),
            total(1, row.kind == EntryKind.REVERSE).label("points_reversed"),
            total(1, row.kind == EntryKind.TRANSFER).label("points_moved"),
        )
        .select_from(ENTRIES.join(MEMBERS, MEMBERS.c.id == row.member_id))
        .where(*conditions)
        .group_by(day, _HOME)
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
    ).subquery("parts")
    return added_up(parts, FACTS, parts.c.business_on, parts.c.store_id)


def added_up(rows: Subquery, names: tuple[str, ...], *keys: ColumnElement[Any]) -> Counted:
    """Select sums of some figures for each key."""
    # Sums of bigint are numeric, which no column and no page wants to see.
    sums = (cast(func.sum(rows.c[name]), BigInteger).label(name) for name in names)
    return select(*keys, *sums).group_by(*keys)


def day_of(moment: ColumnElement[Any], zone: ZoneInfo) -> ColumnElement[date]:
    """Return the business date of an instant."""
    return cast(func.timezone(zone.key, moment), Date)


def within(moment: ColumnElement[Any], first: date, last: date, zone: ZoneInfo) -> ColumnElement[bool]:
    """Tell whether an instant falls on one of the days."""
    return (moment >= clock.start_of(first, zone)) & (moment < clock.end_of(last, zone))


def _part(day: ColumnElement[date], store: ColumnElement[int], **figures: ColumnElement[int]) -> Counted:
    columns = (figures.get(name, _NONE).label(name) for name in FACTS)
    part: Counted = select(day.label("business_on"), store.label("store_id"), *columns)
    return part.group_by(day, store)


def _of_home(rows: FromClause) -> FromClause:
    return rows.join(MEMBERS, MEMBERS.c.id == rows.c.member_id)


def _enrolments(first: date, last: date, zone: ZoneInfo) -> Counted:
    enrolled_at = MEMBERS.c.enrolled_at
    counted = _part(day_of(enrolled_at, zone), _HOME, new_members=func.count())
    return counted.where(within(enrolled_at, first, last, zone))


def _check_ins(first: date, last: date) -> Counted:
    on = CHECK_INS.c.checked_in_on
    return _part(on, _HOME, check_ins=func.count()).select_from(_of_home(CHECK_INS)).where(on.between(first, last))


def _active(first: date, last: date, zone: ZoneInfo) -> Counted:
    on = CHECK_INS.c.checked_in_on
    acts = union(
        select(on.label("business_on"), CHECK_INS.c.member_id).where(on.between(first, last)),
        select(day_of(ORDERS.c.paid_at, zone), ORDERS.c.member_id).where(_stands(first, last, zone)),
        select(day_of(USES.c.redeemed_at, zone), USES.c.member_id).where(_is_used(first, last, zone)),
    ).subquery("acts")
    return _part(acts.c.business_on, _HOME, active_members=func.count()).select_from(_of_home(acts))


def _coupons(first: date, last: date, zone: ZoneInfo) -> Counted:
    issued_at = COUPONS.c.issued_at
    counted = _part(day_of(issued_at, zone), _HOME, coupons_issued=func.count()).select_from(_of_home(COUPONS))
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
        .where(_is_used(first, last, zone))
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
    ).where(_stands(first, last, zone))


def _stands(first: date, last: date, zone: ZoneInfo) -> ColumnElement[bool]:
    return within(ORDERS.c.paid_at, first, last, zone) & ORDERS.c.is_refunded.is_(False)


def _is_used(first: date, last: date, zone: ZoneInfo) -> ColumnElement[bool]:
    return within(USES.c.redeemed_at, first, last, zone) & USES.c.reversed_at.is_(None)
