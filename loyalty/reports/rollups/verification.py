"""The proof of the roll-ups: each figure against the rows that it counts, and all days against all accounts."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from loyalty.points.posting import ACCOUNTS, ENTRIES, table_of
from loyalty.points.verification import DISCREPANCIES_MAX, Discrepancy
from loyalty.reports.rollups.figures import FACTS, POINTS
from loyalty.reports.rollups.models import DayToRecount, FactsOfDay, PointsOfDay, RollupState
from loyalty.reports.rollups.rolling import COUNTED_AGAIN, DAYS_AT_A_TIME, earliest_day, held_state
from loyalty.reports.rollups.sources import Counted, facts_of_days, points_of_days


def verify(session: Session, *, zone: ZoneInfo) -> list[Discrepancy]:
    """Reckon every roll-up anew from the rows; return the first figures that differ, in the order of the days.

    What no run has taken in yet is left out: entries behind the watermark, days that are still counted again, and
    days that are noted to be. A fact of an older day whose event waits in the outbox shows as a difference until it
    is delivered.
    """
    state = held_state(session)
    differing = (*_points(session, state, zone), *_whole(session, state), *_facts(session, state, zone))
    return list(islice(differing, DISCREPANCIES_MAX))


def _points(session: Session, state: RollupState, zone: ZoneInfo) -> Iterator[Discrepancy]:
    kept = PointsOfDay.__table__.select()
    raw = points_of_days(zone, ENTRIES.c.id <= state.rolled_until_id)
    yield from _compared(session, PointsOfDay.__tablename__, kept, raw, ("entries", *POINTS))


def _whole(session: Session, state: RollupState) -> Iterator[Discrepancy]:
    """Compare in one statement, while members go on earning and spending: all days, what is behind, all accounts."""
    day = PointsOfDay.__table__.c
    # Every entry is in exactly one of the six figures of points.
    change = (
        day.points_issued + day.points_reversed + day.points_moved
        - day.points_spent - day.points_expired - day.points_deducted
    )  # fmt: skip
    behind = select(func.sum(ENTRIES.c.points)).where(ENTRIES.c.id > state.rolled_until_id)
    rolled, held = select(func.sum(change)), select(func.sum(ACCOUNTS.c.balance - ACCOUNTS.c.debt))
    sums: Counted = select(*(func.coalesce(query.scalar_subquery(), 0) for query in (rolled, behind, held)))
    of_days, of_entries, of_accounts = session.execute(sums).one()
    if of_days + of_entries != of_accounts:
        reason = f"days and later entries come to {of_days + of_entries}, the accounts hold {of_accounts}"
        yield Discrepancy(PointsOfDay.__tablename__, "all days", None, reason)


def _facts(session: Session, state: RollupState, zone: ZoneInfo) -> Iterator[Discrepancy]:
    kept_from = session.scalar(select(func.min(FactsOfDay.business_on)))
    first = min((day for day in (kept_from, earliest_day(session, zone)) if day is not None), default=None)
    if state.counted_on is None or first is None:
        return
    settled = state.counted_on - COUNTED_AGAIN
    while first < settled:
        last = min(first + timedelta(days=DAYS_AT_A_TIME), settled) - timedelta(days=1)
        yield from _facts_of_days(session, first, last, zone)
        first = last + timedelta(days=1)


def _facts_of_days(session: Session, first: date, last: date, zone: ZoneInfo) -> Iterator[Discrepancy]:
    table = table_of(FactsOfDay)
    kept = table.select().where(table.c.business_on.between(first, last))
    raw = facts_of_days(first, last, zone)
    yield from _compared(session, table.name, _not_noted(kept), _not_noted(raw), FACTS)


def _not_noted(rows: Counted) -> Counted:
    days = rows.subquery()
    return select(days).where(days.c.business_on.not_in(select(DayToRecount.business_on)))


def _compared(
    session: Session, table: str, kept: Counted, raw: Counted, names: tuple[str, ...]
) -> Iterator[Discrepancy]:
    ours, rows = kept.subquery("ours"), raw.subquery("raw")
    same = (ours.c.business_on == rows.c.business_on) & (ours.c.store_id == rows.c.store_id)
    keys = [func.coalesce(ours.c[key], rows.c[key]).label(key) for key in ("business_on", "store_id")]

    def figure(side: Any, name: str) -> ColumnElement[int]:
        return func.coalesce(side.c[name], 0)

    differing = (
        select(*keys, *(figure(side, name) for name in names for side in (ours, rows)))
        .select_from(ours.join(rows, same, full=True))
        .where(or_(*(figure(ours, name) != figure(rows, name) for name in names)))
        .order_by(*keys)
        .limit(DISCREPANCIES_MAX)
    )
    for day, store_id, *figures in session.execute(differing):
        pairs = zip(names, figures[::2], figures[1::2], strict=True)
        name, here, there = next(pair for pair in pairs if pair[1] != pair[2])
        yield Discrepancy(table, f"{day} store {store_id}", None, f"{name} is {here}, its rows come to {there}")
