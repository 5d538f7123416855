"""Limits of a template: which counters a coupon takes one from (库存与限领)."""

from collections.abc import Iterator, Sequence
from datetime import date

from loyalty.coupons.rules.errors import (
    CouponLimitReached,
    CouponSoldOut,
    InvalidCouponTerms,
    Problem,
    StockReasonMissing,
)
from loyalty.coupons.rules.terms import Terms
from loyalty.kernel.checking import is_tidy
from loyalty.limits.rules import (
    ALL,
    HOT_BUCKETS,
    TOTAL,
    Limit,
    LimitExhausted,
    day_of,
    member_entity,
    store_entity,
)

STOCK_MAX = 100_000_000
STOCK_REASON_LENGTH_MAX = 200
STOCK_CHANGED = "coupons.set_stock"
"""What the audit log calls a change of the stock in all."""
UNLIMITED = 10**15
"""The ceiling of a stock that has none: it is counted all the same, so that what was issued is known."""
STOCK, DAY_STOCK, STORE_STOCK = "stock", "day_stock", "store_stock"
MEMBER_TOTAL, MEMBER_DAY = "member_total", "member_day"


def subject_of(template_id: int) -> str:
    """Return under which subject the coupons of a template are counted, whatever its revision."""
    return f"coupon_template:{template_id}"


def template_id_of(subject: str) -> int:
    """Return the template whose coupons are counted under a subject."""
    return int(subject.rpartition(":")[2])


def stock_limits(
    terms: Terms, *, template_id: int, stock: int | None, store_id: int | None, on: date
) -> Sequence[Limit]:
    """Return the limits that all members share; of each coupon they are counted on the business date of its issue."""
    subject, limits = subject_of(template_id), []
    if terms.stock.per_store is not None and store_id is not None:
        limits.append(Limit(subject, store_entity(store_id), TOTAL, terms.stock.per_store, STORE_STOCK))
    if terms.stock.per_day is not None:
        limits.append(Limit(subject, ALL, day_of(on), terms.stock.per_day, DAY_STOCK, HOT_BUCKETS))
    limits.append(Limit(subject, ALL, TOTAL, UNLIMITED if stock is None else stock, STOCK, HOT_BUCKETS))
    return limits


def check_stock(stock: int | None) -> None:
    """Refuse a stock that nobody can have meant; None is unlimited.

    Raises:
        InvalidCouponTerms: below one or absurdly large.
    """
    if problems := list(stock_problems(stock)):
        raise InvalidCouponTerms(problems)


def check_stock_reason(reason: str) -> None:
    """Refuse a change of the stock for no reason.

    Raises:
        StockReasonMissing: the text is empty, too long, or could not be stored.
    """
    if not is_tidy(reason, STOCK_REASON_LENGTH_MAX):
        raise StockReasonMissing


def stock_problems(stock: int | None) -> Iterator[Problem]:
    """Yield what is wrong with a stock."""
    if stock is not None and not 1 <= stock <= STOCK_MAX:
        yield Problem("stock", f"总库存须为 1 到 {STOCK_MAX:,}，不限请留空")


def member_limits(terms: Terms, *, template_id: int, member_id: int, on: date) -> Sequence[Limit]:
    """Return the limits of one member."""
    subject, entity, limits = subject_of(template_id), member_entity(member_id), []
    if terms.member_limits.total is not None:
        limits.append(Limit(subject, entity, TOTAL, terms.member_limits.total, MEMBER_TOTAL))
    if terms.member_limits.per_day is not None:
        limits.append(Limit(subject, entity, day_of(on), terms.member_limits.per_day, MEMBER_DAY))
    return limits


def limits_of(
    terms: Terms, *, template_id: int, stock: int | None, member_id: int, store_id: int | None, on: date
) -> Sequence[Limit]:
    """Return every limit that one coupon is counted in."""
    return [
        *member_limits(terms, template_id=template_id, member_id=member_id, on=on),
        *stock_limits(terms, template_id=template_id, stock=stock, store_id=store_id, on=on),
    ]


def refusal_of(exhausted: LimitExhausted) -> CouponSoldOut | CouponLimitReached:
    """Return the refusal that a limit which was hit means for whoever wanted a coupon."""
    is_own = exhausted.details["limit"] in (MEMBER_TOTAL, MEMBER_DAY)
    return (CouponLimitReached if is_own else CouponSoldOut)(**exhausted.details)
