"""Purchases that earned a member nothing (未获得的佣金), each with the reason; none of them stands in the statement."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.commissions.queries.listed import CommissionListed, list_commissions
from loyalty.commissions.rules.states import CommissionState, Why
from loyalty.earnings.commission_words import missed_sentence
from loyalty.kernel.clock import business_date
from loyalty.kernel.pagination import PAGE_SIZE, Page


@dataclass(frozen=True, slots=True)
class MissedCommission:
    """A purchase of a friend that earned the member nothing; who the friend is, is not told."""

    id: int
    level: int
    reason: Why
    sentence: str
    paid_at: datetime


def list_missed(
    session: Session, *, member_id: int, zone: ZoneInfo, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[MissedCommission]:
    """Return a page of what a member missed, the latest first.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    page = list_commissions(session, member_id=member_id, state=CommissionState.MISSED, cursor=cursor, limit=limit)
    return Page([_missed(one, zone) for one in page.items], page.next_cursor)


def _missed(one: CommissionListed, zone: ZoneInfo) -> MissedCommission:
    assert one.reason is not None, "a CHECK demands it of what is missed"
    told = missed_sentence(level=one.level, paid_on=business_date(one.paid_at, zone), reason=one.reason.value)
    return MissedCommission(one.id, one.level, one.reason, told, one.paid_at)
