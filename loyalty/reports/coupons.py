"""What coupons came to (券效果): how many went out and what became of them, and what was bought with them.

Issues are counted by when the coupon was issued and where its owner enrolled, uses by when and where it was used; a
use that was reversed never was. Revenue is what members paid for baskets with a coupon: a basket with two coupons is
one purchase, and stands whole with each of their templates.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select, tuple_
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.queries.issued import stands_as
from loyalty.coupons.rules.issuing import BY_THE_MEMBER
from loyalty.coupons.rules.states import IssuePath, Standing
from loyalty.kernel import clock
from loyalty.kernel.business_days import day_of
from loyalty.kernel.database import AnyRow
from loyalty.members.models import Member
from loyalty.reports.rules import days_between
from loyalty.stores.rules import StoreScope

_MILLE = 1_000
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Figures:
    """What some coupons came to; of those issued, what became of them by now."""

    issued: int = 0
    used: int = 0
    """Of those issued: how many are used by now."""
    lapsed: int = 0
    voided: int = 0
    redeemed: int = 0
    """Uses in the days looked at, whenever their coupons were issued."""
    revenue_fen: int = 0
    discount_fen: int = 0
    bonus_points: int = 0

    @property
    def open(self) -> int:
        """How many of those issued can be used yet."""
        return self.issued - self.used - self.lapsed - self.voided

    @property
    def used_per_mille(self) -> int | None:
        """How many of a thousand issued are used by now, rounded down; nothing when none was issued."""
        return self.used * _MILLE // self.issued if self.issued else None


@dataclass(frozen=True, slots=True)
class CouponReport:
    """The figures of some days: in all, by path, by template, by store of use and by day."""

    total: Figures
    paths: Mapping[IssuePath, int]
    templates: Mapping[int, Figures]
    stores: Mapping[int | None, Figures]
    """By where coupons were used; None for uses without a store."""
    days: Mapping[date, Figures]

    @property
    def claimed(self) -> int:
        """How many members got themselves."""
        return sum(count for path, count in self.paths.items() if path in BY_THE_MEMBER)


def coupon_report(
    session: Session,
    *,
    scope: StoreScope,
    first: date,
    last: date,
    zone: ZoneInfo,
    at: datetime,
    template_id: int | None = None,
) -> CouponReport:
    """Return what coupons came to on the business dates of a range, of one template or of all.

    Raises:
        TooManyDays: the range is empty or longer than a year.
    """
    days = dict.fromkeys(days_between(first, last), Figures())
    store_ids = None if scope.is_chain_wide else scope.store_ids
    since, until = clock.start_of(first, zone), clock.end_of(last, zone)
    issues = session.execute(_issues(since, until, zone, at, template_id, store_ids)).all()
    uses = session.execute(_uses(since, until, zone, template_id, store_ids)).all()
    templates: dict[int, Figures] = {}
    stores: dict[int | None, Figures] = {}
    paths = {IssuePath(row.path): row.issued for row in issues if row.path is not None}
    _add(templates, ((row.template_id, _issued(row)) for row in issues if row.template_id is not None))
    _add(templates, ((row.template_id, _used(row)) for row in uses if row.template_id is not None))
    _add(stores, ((row.store_id, _used(row)) for row in uses if row.is_of_store))
    _add(days, ((row.day, _issued(row)) for row in issues if row.day is not None))
    _add(days, ((row.day, _used(row)) for row in uses if row.day is not None))
    return CouponReport(
        total=_sum(days.values()),
        paths=_most_first(paths, lambda count: count),
        templates=_most_first(templates, lambda figures: figures.issued),
        stores=_most_first(stores, lambda figures: figures.redeemed),
        days=days,
    )


def _issues(
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
    at: datetime,
    template_id: int | None,
    store_ids: Collection[int] | None,
) -> Any:
    found: Any = select(
        *(Coupon.template_id, Coupon.path, day_of(Coupon.issued_at, zone).label("day")),
        stands_as(Standing.USED, at).label("is_used"),
        stands_as(Standing.LAPSED, at).label("has_lapsed"),
        stands_as(Standing.VOIDED, at).label("is_void"),
    ).where(Coupon.issued_at >= since, Coupon.issued_at < until)
    if template_id is not None:
        found = found.where(Coupon.template_id == template_id)
    if store_ids is not None:
        found = found.where(Coupon.member_id.in_(select(Member.id).where(Member.enrolled_store_id.in_(store_ids))))
    one = found.cte("found").c
    return select(
        *(one.template_id, one.path, one.day),
        func.count().label("issued"),
        func.count().filter(one.is_used).label("used"),
        func.count().filter(one.has_lapsed).label("lapsed"),
        func.count().filter(one.is_void).label("voided"),
    ).group_by(func.grouping_sets(tuple_(one.template_id), tuple_(one.path), tuple_(one.day)))


def _uses(
    since: datetime, until: datetime, zone: ZoneInfo, template_id: int | None, store_ids: Collection[int] | None
) -> Any:
    row = CouponRedemption
    stood = (row.redeemed_at >= since) & (row.redeemed_at < until) & row.reversed_at.is_(None)
    if store_ids is not None:
        stood &= row.store_id.in_(store_ids)
    use = (row.member_id, row.reference)
    found: Any = select(
        *(row.template_id, row.store_id, day_of(row.redeemed_at, zone).label("day")),
        *(row.discount_fen, row.bonus_points),
        (row.basket_fen - func.sum(row.discount_fen).over(partition_by=use)).label("paid_fen"),
        func.row_number().over(partition_by=use, order_by=row.id).label("number"),
        func.row_number().over(partition_by=(*use, row.template_id), order_by=row.id).label("number_of_template"),
    ).where(stood)
    if template_id is not None:
        same = select(*use).where(stood, row.template_id == template_id)
        found = found.where(tuple_(*use).in_(same))
    one = found.cte("found").c
    number_of_use = one.number if template_id is None else one.number_of_template
    paid = func.coalesce(func.sum(one.paid_fen).filter(number_of_use == 1), 0)
    paid_with_template = func.coalesce(func.sum(one.paid_fen).filter(one.number_of_template == 1), 0)
    uses: Any = select(
        *(one.template_id, one.store_id, one.day),
        (func.grouping(one.store_id) == 0).label("is_of_store"),
        func.count().label("redeemed"),
        case((func.grouping(one.template_id) == 0, paid_with_template), else_=paid).label("revenue_fen"),
        func.sum(one.discount_fen).label("discount_fen"),
        func.sum(one.bonus_points).label("bonus_points"),
    ).group_by(func.grouping_sets(tuple_(one.template_id), tuple_(one.store_id), tuple_(one.day)))
    return uses if template_id is None else uses.where(one.template_id == template_id)


def _add(groups: dict[Any, Figures], found: Iterable[tuple[Any, Figures]]) -> None:
    for key, figures in found:
        groups[key] = _sum([groups.get(key, Figures()), figures])


def _sum(parts: Iterable[Figures]) -> Figures:
    known = [asdict(part) for part in parts]
    return Figures(**{name: sum(part[name] for part in known) for name in asdict(Figures())})


def _most_first(groups: dict[Key, Value], size_of: Callable[[Value], int]) -> dict[Key, Value]:
    return dict(sorted(groups.items(), key=lambda item: size_of(item[1]), reverse=True))


def _issued(row: AnyRow) -> Figures:
    return Figures(issued=row.issued, used=row.used, lapsed=row.lapsed, voided=row.voided)


def _used(row: AnyRow) -> Figures:
    # Sums of bigint are numeric, which no page wants to see.
    return Figures(
        redeemed=row.redeemed,
        revenue_fen=int(row.revenue_fen),
        discount_fen=int(row.discount_fen),
        bonus_points=int(row.bonus_points),
    )
