"""The sandbox's state in one SQLite file.

One connection behind one lock: statements of different threads never interleave inside a transaction. No caller may
wait for the network while it holds a transaction.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.schema import SCHEMA, TABLES, VERSION


class StateUnusable(Exception):
    """The state file cannot be opened or is not a SQLite file of the sandbox."""


class Store:
    """SQLite with nested transactions that join the outer one."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the file. Raises StateUnusable with the reason."""
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = OFF")
            self._check_version()
            self._db.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise StateUnusable(f"cannot use {path} as state file: {error}") from error

    def _check_version(self) -> None:
        """Refuses a file with tables of another version; marks a fresh one."""
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        is_fresh = self._db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0
        if not is_fresh and found != VERSION:
            raise sqlite3.DatabaseError("made by another version of the sandbox, delete it")
        self._db.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a nested transaction becomes part of the outer one."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._db.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with self._lock:
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, *values)
        return None if found is None else found[0]

    def run(self, sql: str, *values: Any) -> int:
        """Runs a statement and returns the id of the row it inserted, if any."""
        with self._lock:
            return self._db.execute(sql, values).lastrowid or 0

    def changed(self, sql: str, *values: Any) -> int:
        """Runs a statement and returns how many rows it touched."""
        with self._lock:
            return self._db.execute(sql, values).rowcount

    def empty(self) -> None:
        """Deletes every row of the simulated world."""
        with self.transaction():
            for table in TABLES:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from our own tuple

    def count_run(self) -> int:
        """How many times this file has been started, this time included; keeps seeded ids from repeating."""
        with self.transaction():
            runs = int(self.value("SELECT value FROM meta WHERE name = 'runs'") or 0) + 1
            self.run("INSERT OR REPLACE INTO meta VALUES ('runs', ?)", str(runs))
        return runs

    def close(self) -> None:
        """Closes the file; later statements fail."""
        with self._lock:
            self._db.close()
