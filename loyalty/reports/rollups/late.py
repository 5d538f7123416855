"""Late facts (迟到的事实): notes the days that changed after they were counted.

The last days are counted again each time, so only what is older is noted. Each of these is called in the transaction
that forgets its event, so that no change is without a note.
"""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Date, Select, insert, literal, select, union
from sqlalchemy.orm import Session

from loyalty.kernel.business_days import day_of
from loyalty.kernel.clock import business_date
from loyalty.orders.models import OrderVersion
from loyalty.points.posting import table_of
from loyalty.reports.rollups.models import DayToRecount
from loyalty.reports.rollups.rolling import COUNTED_AGAIN
from loyalty.reports.rollups.sources import CHECK_INS, ORDERS, USES

_VERSIONS = table_of(OrderVersion)
_MARGIN = timedelta(days=1)
"""The clocks of two machines may differ: a day that one leaves to the next count, the other must still count."""


def note_check_in(session: Session, *, on: date, zone: ZoneInfo, at: datetime) -> None:
    """Note the day of a check-in."""
    _note(session, select(literal(on, Date).label("business_on")), zone, at)


def note_merge(session: Session, *, member_id: int, zone: ZoneInfo, at: datetime) -> None:
    """Note the days of all check-ins of a survivor: some were another member's, perhaps of another store."""
    days = select(CHECK_INS.c.checked_in_on.label("business_on")).where(CHECK_INS.c.member_id == member_id)
    _note(session, days, zone, at)


def note_order(session: Session, *, order_id: int, zone: ZoneInfo, at: datetime) -> None:
    """Note the day of an order that was recorded, corrected or refunded, and the days it was moved from."""
    days = union(
        select(day_of(ORDERS.c.paid_at, zone).label("business_on")).where(ORDERS.c.id == order_id),
        select(day_of(_VERSIONS.c.paid_at, zone)).where(_VERSIONS.c.order_id == order_id),
    )
    _note(session, days, zone, at)


def note_redemption(session: Session, *, redemption_id: int, zone: ZoneInfo, at: datetime) -> None:
    """Note the day of a use of a coupon that was reversed."""
    day = day_of(USES.c.redeemed_at, zone).label("business_on")
    _note(session, select(day).where(USES.c.id == redemption_id), zone, at)


def _note(session: Session, days: Any, zone: ZoneInfo, at: datetime) -> None:
    found = days.subquery("days")
    counted_again = business_date(at, zone) - COUNTED_AGAIN + _MARGIN
    old: Select[Any] = select(found.c.business_on, literal(at)).where(found.c.business_on < counted_again)
    session.execute(insert(DayToRecount).from_select(["business_on", "noted_at"], old))
