"""Spending points (使用积分) over three lots, from a few processes as from web workers, beside pgbench."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.books import Books, require_green
from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, Share, percentile, share
from benchmarks.pgbench import SCRIPTS, measure_pgbench
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.seed import Members
from benchmarks.spending import SpendPlan, Spent
from benchmarks.stand import Shop, Stand
from benchmarks.usage import processor_seconds
from trial.paths import PROJECT

ROWS_OF_A_SPEND = {"ledger_entries": 1, "draws": 3, "outbox_events": 1}
POINTS = 15
"""Three lots of what a check-in pays."""
SPENDERS, OTHERS = 10_000, 20_000
"""Those for whom the service spends, and those for whom pgbench writes; four times each."""
MEMBERS = Members(count=SPENDERS + OTHERS, with_session=0, days=12)
PROCESSES = 4
SCRIPT = SCRIPTS / "spend.sql"


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    shop = stand.shop("spend", members=MEMBERS)
    books = Books(shop, ROWS_OF_A_SPEND)
    return [
        Side("spend", Service(shop, books).measure),
        Side("pgbench", Limit(shop, books, pace.clients).measure),
    ]


class Service:
    """Spends by the service, one transaction each."""

    def __init__(self, shop: Shop, books: Books) -> None:
        self._shop, self._books = shop, books
        self._first = 0

    def measure(self, seconds: float) -> Sample:
        """Spend for so many seconds."""
        with_processes = [_start(self._plan(index, seconds)) for index in range(PROCESSES)]
        for process in with_processes:
            _expect_ready(process)
        before = processor_seconds(self._shop.postgres.pid) or 0.0
        for process in with_processes:
            _tell(process, "go")
        results = [_result(process, seconds) for process in with_processes]
        postgres = (processor_seconds(self._shop.postgres.pid) or 0.0) - before
        self._first += PROCESSES * max(result.done for result in results)
        self._books.expect(sum(result.done for result in results), by="the service")
        require_green(self._shop, member_id=1)
        return _sample(results, postgres)

    def _plan(self, index: int, seconds: float) -> SpendPlan:
        return SpendPlan(
            url=self._shop.environment["DATABASE_URL"],
            first=self._first + index,
            step=PROCESSES,
            members=SPENDERS,
            points=POINTS,
            seconds=seconds,
        )


class Limit:
    """Writes the same rows by pgbench, for other members."""

    def __init__(self, shop: Shop, books: Books, clients: int) -> None:
        self._shop, self._books, self._clients = shop, books, clients
        self._round, self._done = 0, 0

    def measure(self, seconds: float) -> Sample:
        """Write for so many seconds."""
        self._round += 1
        variables = {
            "n": self._done // self._clients,
            "clients": self._clients,
            "first_id": SPENDERS + 1,
            "members": OTHERS,
            "number": self._round,
        }
        sample = measure_pgbench(self._shop, SCRIPT, clients=self._clients, seconds=seconds, variables=variables)
        self._done += sample.done
        self._books.expect(sample.done, by="pgbench")
        require_green(self._shop, member_id=SPENDERS + 1)
        return sample


def _start(plan: SpendPlan) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.spending"]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _tell(process, json.dumps(asdict(plan)))
    return process


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def _expect_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise BenchFailed("a process that spends could not start")


def _result(process: subprocess.Popen[str], seconds: float) -> Spent:
    told, _ = process.communicate(timeout=seconds + 30)
    if process.returncode != 0:
        raise BenchFailed("a process that spends failed; its error stands above")
    return Spent(**json.loads(told))


def _sample(results: Sequence[Spent], postgres_seconds: float) -> Sample:
    done = sum(result.done for result in results)
    latencies = sorted(latency for result in results for latency in result.latencies_ms)
    return Sample(
        per_second=sum(result.done / result.seconds for result in results),
        done=done,
        p50_ms=percentile(latencies, 0.50),
        p99_ms=percentile(latencies, 0.99),
        python_us=sum(result.python_seconds for result in results) * 1e6 / done,
        postgres_us=postgres_seconds * 1e6 / done,
    )


def _compare(samples: Samples) -> Sequence[Share]:
    return [share("spend", samples["spend"], samples["pgbench"], good=0.25, goal=0.40)]


ROW = Row(
    name="spend", title="spend over three lots against pgbench writing the same rows", stage=_stage, compare=_compare
)
