"""Sold out (已领完): whoever comes after the last coupon of a template went is turned away at once.

In a flash sale nearly everybody comes too late, and all are told the same. So a process remembers for a second that
nothing is left of a template's stock in all, and meanwhile asks neither who is there nor the database. That decides
nothing: coupons are issued by ``issue`` alone, and the first claim after the second asks it again, so that stock which
came back is found.

Who repeats a claim that brought a coupon is not turned away: with the stock the process remembers under which
references its coupons were issued. None is missing: a claim takes from the stock first and is numbered then, so that
none is under way while committed coupons hold all of the stock, and those that follow have higher numbers. A stock
that was lowered may still be taken from as it was before; of that nothing is remembered.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, String, and_, bindparam, func, or_, select, true

from loyalty.coupons.looking import SUBJECT
from loyalty.coupons.models import Coupon, CouponTemplate
from loyalty.coupons.rules.errors import CouponSoldOut
from loyalty.coupons.rules.limiting import STOCK
from loyalty.coupons.service.claiming import reference_of
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run_single
from loyalty.limits.models import LimitCounter
from loyalty.limits.rules import ALL, TOTAL
from loyalty.points.posting import constant

REMEMBERED = timedelta(seconds=1)
"""For how long claims may still be turned away when stock has come back."""
FORGOTTEN = timedelta(minutes=1)
"""When nobody has asked for so long, the references are dropped."""
STOCK_MAX = 100_000
"""Nothing is remembered of a larger stock, whose references would fill the memory of each process."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a claim names: a template of the coupon centre, or any by its link."""

    template_id: int | None = None
    link_token: str | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """At which instant nothing was left, up to which coupon, and the references of all of them, as hashes."""

    at: datetime
    last_id: int
    references: frozenset[int]


class SoldOut:
    """What one process remembers; safe to use from several threads, since what was seen is replaced whole."""

    def __init__(self) -> None:
        self._seen: dict[Asked, _Seen] = {}

    def check(self, asked: Asked, *, key: str, at: datetime) -> None:
        """Turn a claim away that is known to come too late.

        Raises:
            CouponSoldOut: nothing was left within the last second, and the key brought no coupon.
        """
        seen = self._seen.get(asked)
        if seen is None or not seen.at <= at < seen.at + REMEMBERED:
            return
        if hash(reference_of(key)) not in seen.references:
            raise CouponSoldOut(limit=STOCK)

    @contextmanager
    def learning(self, database: Database, asked: Asked, *, at: datetime) -> Iterator[None]:
        """Learn from a claim that came at an instant and is refused for want of stock."""
        try:
            yield
        except CouponSoldOut as refused:
            if refused.details["limit"] == STOCK:
                self._look(database, asked, at)
            raise

    def _look(self, database: Database, asked: Asked, at: datetime) -> None:
        fresh = {other: seen for other, seen in self._seen.items() if at - seen.at < FORGOTTEN}
        known = fresh.pop(asked, _Seen(at, 0, frozenset()))
        for row in run_single(database, _LOOK, {**asdict(asked), "last_id": known.last_id}):
            references = known.references.union(map(hash, row.references or ()))
            fresh[asked] = _Seen(at, row.last_id or known.last_id, references)
        self._seen = fresh


def _statement() -> Any:
    template, counter = CouponTemplate, LimitCounter
    is_gone = (
        select(and_(func.sum(counter.used) >= template.stock, func.bool_and(counter.ceiling == template.stock)))
        .where(counter.subject == SUBJECT, counter.entity == constant(ALL), counter.period == constant(TOTAL))
        .scalar_subquery()
    )
    newer = (
        select(func.max(Coupon.id).label("last_id"), func.array_agg(Coupon.reference).label("references"))
        .where(Coupon.template_id == template.id, Coupon.id > bindparam("last_id", type_=BigInteger))
        .lateral("newer")
    )
    return (
        select(newer.c.last_id, newer.c.references)
        .join_from(template, newer, true())
        .where(
            or_(
                template.id == bindparam("template_id", type_=BigInteger),
                template.link_token == bindparam("link_token", type_=String),
            ),
            template.stock <= STOCK_MAX,
            is_gone,
        )
    )


_LOOK = _statement()
"""A row where nothing is left, with the coupons that are newer than those known."""
