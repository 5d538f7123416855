"""Issuing to many members at once (批量发放): coupons of one template for a page of members.

Every limit holds as it does for a single coupon. Whoever issues takes the members' own limits, then the stock as far
as it goes, and writes or takes back by that; which comes first is left to them, as long as the stock comes last of
what others wait for. No event is recorded for each coupon: the members are told in pages too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, String, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.limiting import member_limits, stock_limits
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.rules.validity import Period, validity_of
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.clock import business_date
from loyalty.limits.rules import Limit, member_entity
from loyalty.limits.service import give_back_for_each, reserve_for_each, used
from loyalty.points.posting import parameter, parameters, table_of

COUPONS = table_of(Coupon)


@dataclass(frozen=True, slots=True)
class Issue:
    """What is issued to many: by which revision, on which way, by whom and when."""

    template_id: int
    revision_id: int
    terms: Terms
    stock: int | None
    path: IssuePath
    store_id: int | None
    actor: str


class CouponsForMany:
    """The coupons of one page, and the limits that they are counted in."""

    def __init__(self, session: Session, issue: Issue, *, zone: ZoneInfo, at: datetime) -> None:
        """Reckon the coupons' period, which may be over.

        Raises:
            CouponPeriodOver: the template's fixed dates have passed.
            CouponHoursOver: within their period they could not be used any more.
        """
        self._session, self._issue, self._at = session, issue, at
        self._period: Period = validity_of(issue.terms, issued_at=at, zone=zone)
        on = business_date(at, zone)
        # Those of any member have the periods and ceilings of everybody's.
        self._own = member_limits(issue.terms, template_id=issue.template_id, member_id=0, on=on)
        self.stock: Sequence[Limit] = stock_limits(
            issue.terms, template_id=issue.template_id, stock=issue.stock, store_id=issue.store_id, on=on
        )
        """What all members share."""

    def find_sold_out(self) -> Limit | None:
        """Look, without a lock, for a limit that leaves nothing for anybody."""
        return next((limit for limit in self.stock if used(self._session, limit=limit) >= limit.ceiling), None)

    def reserve_own(self, owner_ids: Sequence[int]) -> Mapping[int, Limit]:
        """Take one of the limits of each member; return those who have as many as one may have, and the limit."""
        refused = reserve_for_each(self._session, limits=self._own, entities=[member_entity(one) for one in owner_ids])
        return {one: refused[member_entity(one)] for one in owner_ids if member_entity(one) in refused}

    def give_back_own(self, owner_ids: Sequence[int]) -> None:
        """Put back what was taken of the members' own limits."""
        entities = [member_entity(one) for one in owner_ids]
        for subject in {limit.subject for limit in self._own}:
            amounts = {(entity, limit.period): 1 for limit in self._own for entity in entities}
            give_back_for_each(self._session, subject=subject, amounts=amounts)

    def write(self, references: Mapping[int, str]) -> None:
        """Write the coupons of members, each under its reference, which nobody else writes meanwhile."""
        issue = self._issue
        values = {
            "template_id": issue.template_id,
            "revision_id": issue.revision_id,
            "path": issue.path.value,
            "store_id": issue.store_id,
            "actor": issue.actor,
            "issued_at": self._at,
            "usable_at": self._period.usable_at,
            "expires_at": self._period.expires_at,
        }
        arrays = {"member_ids": list(references), "references": list(references.values())}
        if references:
            self._session.execute(_INSERT, parameters({**values, **arrays}))


_SHARED = (
    *("template_id", "revision_id", "path", "store_id", "actor"),
    *("issued_at", "usable_at", "expires_at"),
)


def _insert() -> Any:
    arrays = (parameter("member_ids", SentArray(BigInteger())), parameter("references", SentArray(String())))
    given = func.unnest(*arrays).table_valued("member_id", "reference", name="given").render_derived().c
    shared = [parameter(name, COUPONS.c[name].type) for name in _SHARED]
    return insert(COUPONS).from_select(
        ["member_id", "reference", *_SHARED], select(given.member_id, given.reference, *shared)
    )


_INSERT = _insert()
