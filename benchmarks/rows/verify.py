"""``ledger verify`` beside a sequential read of the same tables, and the memory of the command."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

import psycopg

from benchmarks.books import count_rows, require_green
from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, Share, share
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.rows import growth
from benchmarks.stand import Shop, Stand
from trial.paths import PROJECT

TABLES = ("points_accounts", "ledger_entries", "lots", "draws", "holds")


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    shop = growth.open_shop(stand, name="many", pace=pace)
    entries = count_rows(shop.conninfo, ["ledger_entries"])["ledger_entries"]
    memory_mb = _memory_of_the_command(shop)

    def prove(_seconds: float) -> Sample:
        started_at = time.perf_counter()
        require_green(shop)
        return Sample(entries / (time.perf_counter() - started_at), done=entries, memory_mb=memory_mb)

    def read(_seconds: float) -> Sample:
        started_at = time.perf_counter()
        _read_sequentially(shop)
        return Sample(entries / (time.perf_counter() - started_at), done=entries)

    return [Side("verify", prove), Side("sequential read", read)]


def _read_sequentially(shop: Shop) -> None:
    """Read every column of every row once, in the order in which they lie on disk."""
    with psycopg.connect(shop.conninfo) as connection:
        for table in TABLES:
            with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as rows:
                for _ in rows:
                    pass


def _memory_of_the_command(shop: Shop) -> float:
    command = [sys.executable, "-m", "flask", "--app", "app", "ledger", "verify"]
    process = subprocess.Popen(command, cwd=PROJECT, env=dict(shop.environment), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchFailed(f"ledger verify ended with {process.returncode}")
    return usage.ru_maxrss / 1024


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("verify", samples["verify"], samples["sequential read"], good=0.2, goal=0.4)]


ROW = Row(name="verify", title="ledger verify against a sequential read", stage=_stage, compare=_compare)
