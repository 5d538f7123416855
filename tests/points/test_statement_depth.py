"""A page of the statement costs the same at any depth: counted in blocks that PostgreSQL touches, not in seconds."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import encode_cursor
from loyalty.points.rules import EntryKind
from loyalty.points.statement import list_entries, list_lots, month_period, trace_entry
from tests.factories.members import make_member
from tests.support import proof

pytestmark = pytest.mark.proof

ENTRIES = 100_000 if proof.IS_FULL else 30_000
HOURS = timedelta(hours=4)
DEPTHS = (0.01, 0.5, 0.99)
BLOCKS_MAX = 450

Blocks = Callable[[Callable[[], Any]], int]
Filters = dict[str, Any]

_ACCOUNT = """INSERT INTO points_accounts (member_id, balance, last_sequence, opened_at)
VALUES (:member_id, :count, :count, :start)"""
_ENTRIES = """INSERT INTO ledger_entries (member_id, id, sequence, kind, points, balance_after, debt_after, reference,
  actor, explanation, occurred_at, recorded_at, digest)
SELECT :member_id, nextval('ledger_entry_ids'), n, CASE WHEN n % 500 = 0 THEN 'adjust' ELSE 'earn' END, 1, n, 0,
  'deep:' || n, 'system', '{}', :start + n * interval '4 hours', :start + n * interval '4 hours', ''
FROM generate_series(1, :count) AS n"""
_LOTS = """INSERT INTO lots (member_id, entry_id, points, remaining, opened_at, available_at, expires_at)
SELECT member_id, id, 1, 1, recorded_at, recorded_at,
  CASE WHEN sequence % 2 = 0 THEN :start + 400 * interval '365 days' + sequence * interval '1 hour' END
FROM ledger_entries WHERE member_id = :member_id"""


@pytest.fixture
def start(at: datetime) -> datetime:
    return at - ENTRIES * HOURS


@pytest.fixture
def member_id(session: Session, start: datetime) -> int:
    """A member with a very long statement, all of it still in open lots."""
    member_id = make_member(session).id
    # Statistics between the inserts: the lots' foreign key is looked up in the entries.
    for statement in (_ACCOUNT, _ENTRIES, "ANALYZE ledger_entries", _LOTS, "ANALYZE lots"):
        session.execute(text(statement), {"member_id": member_id, "count": ENTRIES, "start": start})
    return member_id


@pytest.fixture
def blocks(connection: Connection, session: Session) -> Blocks:
    """Count the blocks that all statements of a read touch, by running each of them again under EXPLAIN."""

    def count(read: Callable[[], Any]) -> int:
        sent: list[tuple[str, Any]] = []
        event.listen(connection, "before_cursor_execute", lambda *given: sent.append((given[2], given[3])))
        read()
        seen = list(sent)
        return sum(_touched(connection, statement, values) for statement, values in seen)

    return count


def _touched(connection: Connection, statement: str, values: Any) -> int:
    explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
    plan = explained.scalar_one()[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_of_entries(session: Session, member_id: int, blocks: Blocks) -> None:
    last = session.execute(text("SELECT max(id) FROM ledger_entries")).scalar_one()
    cursors = [None, *(encode_cursor(last - int(ENTRIES * depth)) for depth in DEPTHS)]

    touched = [
        blocks(lambda cursor=cursor: list_entries(session, member_id=member_id, cursor=cursor)) for cursor in cursors
    ]

    assert max(touched) < BLOCKS_MAX


def test_of_a_month_and_of_one_kind(
    session: Session, member_id: int, blocks: Blocks, start: datetime, zone: ZoneInfo
) -> None:
    months = [month_period((start + ENTRIES * depth * HOURS).date(), zone) for depth in DEPTHS]
    filters: list[Filters] = [
        *({"kinds": [kind]} for kind in (EntryKind.EARN, EntryKind.ADJUST, EntryKind.EXPIRE)),
        *({"period": month} for month in months),
        *({"period": month, "kinds": [EntryKind.ADJUST]} for month in months),
    ]

    touched = [blocks(lambda narrow=narrow: list_entries(session, member_id=member_id, **narrow)) for narrow in filters]

    assert max(touched) < BLOCKS_MAX


def test_of_lots_and_of_one_entry(session: Session, member_id: int, blocks: Blocks, at: datetime) -> None:
    lots = session.execute(
        text("SELECT id, entry_id FROM lots WHERE member_id = :member_id ORDER BY id"), {"member_id": member_id}
    ).all()
    shown = [lots[int(ENTRIES * depth) + odd] for depth in DEPTHS for odd in (0, 1)]

    deep = [
        blocks(lambda lot=lot: list_lots(session, member_id=member_id, at=at, cursor=encode_cursor(lot.id)))
        for lot in shown
    ]
    traced = [
        blocks(lambda lot=lot: trace_entry(session, member_id=member_id, entry_id=lot.entry_id, at=at)) for lot in shown
    ]

    assert max(*deep, *traced) < BLOCKS_MAX
