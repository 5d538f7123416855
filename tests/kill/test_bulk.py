"""Killing the worker of a batch, again and again: the end is the same as if nobody had."""

import os

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.adjustments import queries, service
from loyalty.adjustments.rules.batches import BatchState, Work, subject_of
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.points import service as points
from tests.factories.adjustments import AT, CHECKER, MAKER
from tests.kill.bulk_kills import BulkWork
from tests.support import engines
from tests.support.proof import size
from tests.support.settings import SEAL_KEY

pytestmark = pytest.mark.kill

ROWS = size(reduced=3_000, full=100_000)
PAGED = ("loyalty.adjustments.service.applying", "loyalty.adjustments.service.undoing")

_MEMBERS = text(
    "INSERT INTO members (number, status, enrolled_at, last_active_at)"
    " SELECT 'KB' || :mark || '-' || n, 'active', :at, :at FROM generate_series(1, :rows) n RETURNING id"
)
_BATCH = text(
    "INSERT INTO adjustment_batches (title, reason, state, credit_rows, credit_points, created_by, created_at)"
    " VALUES ('kill', 'gift', 'checked', :rows, :rows * 7, :by, :at) RETURNING id"
)
_ROWS = text(
    "INSERT INTO adjustment_rows (batch_id, line, member_id, points)"
    " SELECT :batch_id, row_number() OVER (ORDER BY id) + 1, id, 7 FROM unnest(cast(:ids AS bigint[])) AS id"
)

_CLOSING = text("SELECT FROM adjustment_batches WHERE id = :id FOR NO KEY UPDATE")
_BALANCES = text(
    "SELECT balance, count(*) FROM points_accounts JOIN adjustment_rows USING (member_id)"
    " WHERE batch_id = :id GROUP BY balance"
)
_ENTRIES = text(
    "SELECT kind, count(*), sum(points) FROM ledger_entries WHERE reference LIKE :mark GROUP BY kind ORDER BY kind"
)


def _approved_batch(database: Database) -> int:
    def make(session: Session) -> int:
        values = {"rows": ROWS, "at": AT, "mark": os.getpid()}
        ids = list(session.scalars(_MEMBERS, values))
        batch_id = session.execute(_BATCH, {"rows": ROWS, "by": MAKER.name, "at": AT}).scalar_one()
        session.execute(_ROWS, {"batch_id": batch_id, "ids": ids})
        service.submit(session, batch_id=batch_id, actor=MAKER, at=AT)
        service.decide(session, batch_id=batch_id, is_approved=True, actor=CHECKER, at=AT)
        return int(batch_id)

    return run(database, make)


def _balances(database: Database, batch_id: int) -> dict[int, int]:
    """How many members of a batch have how many points."""
    rows = run(database, lambda session: session.execute(_BALANCES, {"id": batch_id}).all())
    return {balance: members_count for balance, members_count in rows}


def test_a_batch_whose_worker_is_killed_ends_as_if_undisturbed(
    committed_database: Database, committed_address: engines.Address, redis_url: str
) -> None:
    batch_id = _approved_batch(committed_database)
    work = BulkWork(
        committed_database, committed_address, redis_url, ROWS,
        subject=subject_of(batch_id), last_needs=_CLOSING.bindparams(id=batch_id), paged=PAGED,
    )  # fmt: skip

    applied, given = work.do_with_kills(Work.APPLY), _balances(committed_database, batch_id)
    run(committed_database, lambda session: service.undo(session, batch_id=batch_id, actor=CHECKER, at=AT))
    undone = work.do_with_kills(Work.UNDO)

    assert (applied.done, applied.figures) == (ROWS, {"applied": ROWS, "credit_points": 7 * ROWS})
    assert (undone.done, undone.figures) == (ROWS, {"taken_back": 7 * ROWS})
    assert (given, _balances(committed_database, batch_id)) == ({7: ROWS}, {0: ROWS})
    batch = run(committed_database, lambda session: queries.get_batch(session, batch_id=batch_id))
    assert batch.state == BatchState.UNDONE
    mark = {"mark": f"adjustment%:{batch_id}:%"}
    entries = run(committed_database, lambda session: session.execute(_ENTRIES, mark).all())
    assert [tuple(row) for row in entries] == [("adjust", ROWS, 7 * ROWS), ("reverse", ROWS, -7 * ROWS)]
    proof = run(committed_database, lambda session: points.verify(session, seal_key=SEAL_KEY, at=AT))
    # Other tests of the same database seal days in an order of their own.
    assert [found for found in proof.discrepancies if found.table != "ledger_seals"] == []
