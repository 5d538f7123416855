"""Roll-ups for tests: made until nothing is left, and the figures reckoned from the rows in plain Python."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.points.models import LedgerEntry
from loyalty.reports.rollups import rolling
from tests.factories.check_ins import SHANGHAI
from tests.factories.points import AT

NAMES = {
    "spend": "points_spent",
    "expire": "points_expired",
    "reverse": "points_reversed",
    "transfer": "points_moved",
}


def roll(session: Session, *, at: datetime = AT) -> None:
    """Make all roll-ups, as the jobs of some minutes do."""
    until_nothing_is_left(lambda: rolling.roll_points(session, zone=SHANGHAI))
    until_nothing_is_left(lambda: rolling.recount_days(session, zone=SHANGHAI, at=at))


def until_nothing_is_left(step: Callable[[], int]) -> None:
    while step():
        pass


def points_reckoned(session: Session, store_id: int | None) -> Mapping[date, Counter[str]]:
    """The figures of points by day, for the members of a store, one entry after the other."""
    days: dict[date, Counter[str]] = {}
    rows = session.scalars(
        select(LedgerEntry)
        .join(Member, Member.id == LedgerEntry.member_id)
        .where(Member.enrolled_store_id == store_id if store_id else Member.enrolled_store_id.is_(None))
        .execution_options(populate_existing=True)
    )
    for entry in rows:
        is_cost = entry.kind in ("spend", "expire") or (entry.kind == "adjust" and entry.points < 0)
        by_hand = "points_deducted" if entry.points < 0 else "points_issued"
        name = NAMES.get(entry.kind, by_hand)
        day = entry.occurred_at.astimezone(SHANGHAI).date()
        days.setdefault(day, Counter())[name] += -entry.points if is_cost else entry.points
    return days
