"""Work of a service from a few processes, as from web workers: each is told its plan, and all start together.

A module that works so reads its plan as JSON from a line of standard input, says ``ready``, waits for the next line,
and answers with what it did.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, percentile
from benchmarks.stand import Shop
from benchmarks.usage import processor_seconds
from loyalty.kernel.database import Database, connect
from trial.paths import PROJECT

PROCESSES = 4


@dataclass(frozen=True)
class Turns:
    """Which numbers a process works on: every ``step``-th from ``first`` on, for so many seconds."""

    url: str
    first: int
    step: int
    members: int
    seconds: float


@dataclass
class Worked:
    """What was done in how long, with the processor time of this process."""

    done: int = 0
    seconds: float = 0.0
    python_seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)


def work_again_and_again(turns: Turns, work: Callable[[Database, int], object]) -> None:
    """Do the work of one process, and tell of it on standard output."""
    database, number, result = connect(turns.url, connections=1), turns.first, Worked()
    with database.engine.connect():
        print("ready", flush=True)
        sys.stdin.readline()
    started_at, used = time.perf_counter(), time.process_time()
    sent_at = started_at
    while sent_at < started_at + turns.seconds:
        work(database, number)
        now = time.perf_counter()
        result.latencies_ms.append((now - sent_at) * 1000)
        sent_at = now
        number += turns.step
    result.done, result.seconds = len(result.latencies_ms), sent_at - started_at
    result.python_seconds = time.process_time() - used
    print(json.dumps(asdict(result)))


def read_plan() -> Any:
    """Return the plan that a process was told."""
    return json.loads(sys.stdin.readline())


def measure_processes(shop: Shop, module: str, plans: Sequence[dict[str, Any]], *, seconds: float) -> Sample:
    """Let a process work by each plan, all at once.

    Raises:
        BenchFailed: one of them failed.
    """
    processes = [_start(module, plan) for plan in plans]
    for process in processes:
        _expect_ready(process)
    before = processor_seconds(shop.postgres.pid) or 0.0
    for process in processes:
        _tell(process, "go")
    results = [_result(process, seconds) for process in processes]
    return _sample(results, (processor_seconds(shop.postgres.pid) or 0.0) - before)


def _start(module: str, plan: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    _tell(process, json.dumps(plan))
    return process


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def _expect_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise BenchFailed("a process that works could not start")


def _result(process: subprocess.Popen[str], seconds: float) -> Worked:
    told, _ = process.communicate(timeout=seconds + 30)
    if process.returncode != 0:
        raise BenchFailed("a process that works failed; its error stands above")
    return Worked(**json.loads(told))


def _sample(results: Sequence[Worked], postgres_seconds: float) -> Sample:
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
