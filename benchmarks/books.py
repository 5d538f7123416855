"""The books of a bench: what was written must be exactly what was answered."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import psycopg

from benchmarks.failures import BenchFailed
from benchmarks.stand import Shop
from loyalty.kernel.transaction import run
from loyalty.points.service import verify

ROWS_OF_A_CHECK_IN = {"check_ins": 1, "ledger_entries": 1, "lots": 1, "outbox_events": 2}


class Books:
    """Counts the rows that each of some happenings leaves, and compares what came with what was answered."""

    def __init__(self, shop: Shop, rows: Mapping[str, int]) -> None:
        self._shop, self._rows = shop, rows
        self._before = self._counts()

    def expect(self, happenings: int, *, by: str) -> None:
        """Compare the rows written since the last look.

        Raises:
            BenchFailed: a row was lost or doubled.
        """
        after = self._counts()
        written = {table: after[table] - self._before[table] for table in after}
        self._before = after
        due = {table: happenings * rows for table, rows in self._rows.items()}
        if written != due:
            raise BenchFailed(f"{by} answered {happenings} times, but the rows written are {written}, not {due}")

    def _counts(self) -> dict[str, int]:
        return count_rows(self._shop.conninfo, self._rows)


def count_rows(conninfo: str, tables: Iterable[str]) -> dict[str, int]:
    """Count the rows of some tables."""
    with psycopg.connect(conninfo) as connection:
        rows = (connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables)
        return {table: row[0] for table, row in zip(tables, rows, strict=True) if row is not None}


def require_green(shop: Shop, *, member_id: int | None = None) -> None:
    """Prove the whole ledger, or one member's books.

    Raises:
        BenchFailed: with the first row that does not fit.
    """
    found = run(
        shop.database,
        lambda session: verify(session, seal_key=shop.settings.seal_key, at=datetime.now(UTC), member_id=member_id),
    )
    if not found.is_green:
        raise BenchFailed(f"the ledger does not fit: {found.discrepancies[0]}")
