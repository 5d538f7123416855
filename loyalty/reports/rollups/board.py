"""Boards (看板): figures read from the roll-ups, and what these lack from the rows, in one view of the database."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, literal_column, select, true, union_all
from sqlalchemy.orm import Session

from loyalty.kernel.business_days import within
from loyalty.kernel.database import AnyRow
from loyalty.points.posting import ENTRIES, table_of
from loyalty.reports.rollups.figures import FACTS, FIGURES, ONLINE, POINTS, Figures
from loyalty.reports.rollups.models import FactsOfDay, PointsOfDay, RollupState
from loyalty.reports.rollups.sources import Counted, added_up, facts_of_days, points_of_days
from loyalty.reports.rules import days_between
from loyalty.stores.rules import StoreScope

_NONE = literal_column("0", BigInteger)


def figures_by_day(
    session: Session, *, scope: StoreScope, first: date, last: date, zone: ZoneInfo
) -> Mapping[date, Figures]:
    """Return every business date from the first to the last, the days without anything included.

    Raises:
        TooManyDays: none, or more than a year of them.
    """
    days = dict.fromkeys(days_between(first, last), Figures())
    rows = _read(session, "business_on", scope, first, last, zone)
    return days | {row.business_on: _figures(row) for row in rows}


def figures_by_store(
    session: Session, *, scope: StoreScope, first: date, last: date, zone: ZoneInfo
) -> Mapping[int | None, Figures]:
    """Return the sums over the days for each store that has any; None stands for no store.

    Raises:
        TooManyDays: none, or more than a year of them.
    """
    days_between(first, last)
    rows = _read(session, "store_id", scope, first, last, zone)
    return {None if row.store_id == ONLINE else row.store_id: _figures(row) for row in rows}


def _read(session: Session, key: str, scope: StoreScope, first: date, last: date, zone: ZoneInfo) -> list[AnyRow]:
    """Read again when a run moved the roll-ups on between the two statements: entries would count twice, or never."""
    reach = select(RollupState.rolled_until_id, RollupState.counted_on)
    while True:
        known = session.execute(reach).one()
        sums = _sums(key, scope, first, last, zone, known.rolled_until_id, known.counted_on).subquery("sums")
        rows = session.execute(reach.add_columns(sums).outerjoin(sums, true())).all()
        if (rows[0].rolled_until_id, rows[0].counted_on) == tuple(known):
            return [row for row in rows if row._mapping[key] is not None]


def _sums(
    key: str, scope: StoreScope, first: date, last: date, zone: ZoneInfo, rolled_until_id: int, counted_on: date | None
) -> Counted:
    points, facts = table_of(PointsOfDay), table_of(FactsOfDay)
    is_behind = (ENTRIES.c.id > rolled_until_id) & within(ENTRIES.c.occurred_at, first, last, zone)
    parts = [
        _completed(points.select().where(points.c.business_on.between(first, last)), POINTS),
        _completed(points_of_days(zone, is_behind), POINTS),
    ]
    live_from = first if counted_on is None else max(first, counted_on)
    if live_from > first:
        is_rolled = facts.c.business_on.between(first, last) & (facts.c.business_on < live_from)
        parts.append(_completed(facts.select().where(is_rolled), FACTS))
    if live_from <= last:
        parts.append(_completed(facts_of_days(live_from, last, zone), FACTS))
    rows = union_all(*parts).subquery("figures")
    sums = added_up(rows, FIGURES, rows.c[key])
    return sums if scope.is_chain_wide else sums.where(rows.c.store_id.in_(scope.store_ids))


def _completed(rows: Counted, known: tuple[str, ...]) -> Counted:
    """Select all figures, 0 where these rows do not tell of them."""
    part = rows.subquery()
    figures: list[ColumnElement[int]] = [(part.c[name] if name in known else _NONE).label(name) for name in FIGURES]
    return select(part.c.business_on, part.c.store_id, *figures)


def _figures(row: AnyRow) -> Figures:
    return Figures(**{name: row._mapping[name] for name in FIGURES})
