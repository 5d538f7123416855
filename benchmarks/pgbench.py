"""pgbench, from the same wheel as the server: what PostgreSQL itself does with a script, prepared."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample
from benchmarks.stand import Shop
from benchmarks.usage import processor_seconds
from trial.engines.postgres_binaries import wheel_programs

SCRIPTS = Path(__file__).parent / "sql"
_DONE = re.compile(r"number of transactions actually processed: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+)")
_LATENCY = re.compile(r"latency average = ([\d.]+) ms")


@dataclass(frozen=True, slots=True)
class PgbenchResult:
    """What pgbench reports of one run."""

    done: int
    per_second: float
    latency_ms: float


def measure_pgbench(
    shop: Shop, script: Path, *, clients: int, seconds: float, variables: Mapping[str, object]
) -> Sample:
    """Run a script for some seconds, with the processor time that the database server spends.

    Raises:
        BenchFailed: as ``run_pgbench``.
    """
    before = processor_seconds(shop.postgres.pid) or 0.0
    result = run_pgbench(shop.conninfo, script, clients=clients, seconds=seconds, variables=variables)
    spent = (processor_seconds(shop.postgres.pid) or 0.0) - before
    return Sample(per_second=result.per_second, done=result.done, postgres_us=spent * 1e6 / result.done)


def run_pgbench(
    conninfo: str,
    script: Path,
    *,
    clients: int,
    variables: Mapping[str, object],
    seconds: float | None = None,
    transactions: int | None = None,
) -> PgbenchResult:
    """Run a script for some seconds, or so many times for each client.

    Raises:
        BenchFailed: it could not run, or a transaction failed.
    """
    bound = ["-T", str(max(1, round(seconds)))] if seconds is not None else ["-t", str(transactions)]
    defined = [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
    command = [str(wheel_programs() / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-f", str(script)]
    done = subprocess.run([*command, *bound, *defined, conninfo], capture_output=True, text=True, check=False)
    found = [pattern.search(done.stdout) for pattern in (_DONE, _RATE, _LATENCY)]
    if done.returncode != 0 or not all(found):
        raise BenchFailed(f"pgbench with {script.name}: {done.stderr.strip()[-600:]}")
    count, rate, latency = (match.group(1) for match in found if match)
    return PgbenchResult(done=int(count), per_second=float(rate), latency_ms=float(latency))
