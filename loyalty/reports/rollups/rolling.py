"""Rolling (汇总): takes into the roll-ups what has happened, each entry once, each changed day anew.

Every step holds the state's row and moves it in the same transaction as the figures: a step that dies, or is made
twice at once, leaves what one step leaves.
"""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or_add
from sqlalchemy.orm import Session

from loyalty.kernel.business_days import day_of
from loyalty.kernel.clock import business_date
from loyalty.points.posting import ENTRIES
from loyalty.reports.rollups.figures import FACTS, POINTS
from loyalty.reports.rollups.models import DayToRecount, FactsOfDay, PointsOfDay, RollupState
from loyalty.reports.rollups.sources import (
    CHECK_INS,
    COUPONS,
    MEMBERS,
    ORDERS,
    USES,
    facts_of_days,
    points_of_days,
)
from loyalty.reports.rollups.watermark import settle

IDS_AT_A_TIME = 500_000
DAYS_AT_A_TIME = 31
COUNTED_AGAIN = timedelta(days=2)
"""So many days before the last count are counted again each time; facts of earlier days are noted one by one."""
_ADDED = ("entries", *POINTS)


def held_state(session: Session) -> RollupState:
    """Hold the row that says how far the roll-ups reach until the transaction ends."""
    held = select(RollupState).with_for_update().execution_options(populate_existing=True)
    return session.scalars(held).one()


def roll_points(session: Session, *, zone: ZoneInfo) -> int:
    """Add a page of settled entries to their days; return how many ids that are settled are left to be looked at."""
    state = held_state(session)
    settle(session, state)
    until = min(state.settled_until_id, state.rolled_until_id + IDS_AT_A_TIME)
    if until > state.rolled_until_id:
        _add(session, points_of_days(zone, ENTRIES.c.id > state.rolled_until_id, ENTRIES.c.id <= until))
        state.rolled_until_id = until
    session.flush()
    return state.settled_until_id - until


def recount_days(session: Session, *, zone: ZoneInfo, at: datetime) -> int:
    """Count the last days anew, and some of those whose facts changed late; return how much is left to be counted."""
    state, today = held_state(session), business_date(at, zone)
    first = _first_to_count(session, state, today, zone)
    last = min(today, first + timedelta(days=DAYS_AT_A_TIME - 1))
    changed, are_left = _changed_days(session)
    _recount(session, first, last, zone)
    for day in changed:
        if not first <= day <= last:
            _recount(session, day, day, zone)
    state.counted_on = today if last == today else last + timedelta(days=1)
    session.flush()
    return (today - state.counted_on).days + are_left


def forget_everything(session: Session) -> None:
    """Throw the roll-ups away, to be built again; boards are counted from the rows until they are."""
    state = held_state(session)
    for table in (PointsOfDay, FactsOfDay, DayToRecount):
        session.execute(delete(table))
    state.rolled_until_id = 0
    state.counted_on = None
    session.flush()


def earliest_day(session: Session, zone: ZoneInfo) -> date | None:
    """Return the first day on which anything happened that is counted by day; campaigns reach none but members."""
    moments = (MEMBERS.c.enrolled_at, COUPONS.c.issued_at, USES.c.redeemed_at, ORDERS.c.paid_at)
    queries = [select(day_of(func.min(moment), zone)) for moment in moments]
    days = (session.scalar(query) for query in (*queries, select(func.min(CHECK_INS.c.checked_in_on))))
    return min((day for day in days if day is not None), default=None)


def _add(session: Session, rows: Any) -> None:
    new = insert_or_add(PointsOfDay).from_select(["business_on", "store_id", *_ADDED], rows)
    columns = PointsOfDay.__table__.c
    session.execute(
        new.on_conflict_do_update(
            index_elements=["business_on", "store_id"],
            set_={name: columns[name] + new.excluded[name] for name in _ADDED},
        )
    )


def _recount(session: Session, first: date, last: date, zone: ZoneInfo) -> None:
    session.execute(delete(FactsOfDay).where(FactsOfDay.business_on.between(first, last)))
    rows = facts_of_days(first, last, zone)
    session.execute(insert(FactsOfDay).from_select(["business_on", "store_id", *FACTS], rows))


def _changed_days(session: Session) -> tuple[list[date], int]:
    """Forget the notes on the oldest changed days; return the days, and whether there are more."""
    noted = select(DayToRecount.business_on).distinct().order_by(DayToRecount.business_on).limit(DAYS_AT_A_TIME + 1)
    days = list(session.scalars(noted))
    counted, left = days[:DAYS_AT_A_TIME], days[DAYS_AT_A_TIME:]
    # Before the days are counted: the fact of every note that is deleted is seen by then.
    session.execute(delete(DayToRecount).where(DayToRecount.business_on.in_(counted)))
    return counted, len(left)


def _first_to_count(session: Session, state: RollupState, today: date, zone: ZoneInfo) -> date:
    if state.counted_on is not None:
        return min(state.counted_on, today) - COUNTED_AGAIN
    return min(earliest_day(session, zone) or today, today)
