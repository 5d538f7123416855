"""``python -m benchmarks [--row ROW] [--rounds N] [--seconds S] [--clients C] [--full]``."""

import argparse
import gc
import sys
from collections.abc import Sequence

from benchmarks import report
from benchmarks.failures import BenchFailed
from benchmarks.figures import Share
from benchmarks.rounds import Pace, Row, measure
from benchmarks.rows import ROWS
from benchmarks.stand import BENCH, open_stand
from trial.errors import TrialError
from trial.processes import exclusive

LATEST = BENCH.var / "latest.json"


def main(arguments: Sequence[str]) -> int:
    """Measure; exits with 1 when something was lost or doubled, or an answer was an error."""
    chosen = _parser().parse_args(arguments)
    rows = [row for row in ROWS if chosen.row in (None, row.name)]
    pace = Pace(rounds=chosen.rounds, seconds=chosen.seconds, clients=chosen.clients, is_full=chosen.full)
    try:
        BENCH.var.mkdir(parents=True, exist_ok=True)
        with exclusive(BENCH.var / "bench.lock", within_seconds=1):
            shares = _measured(rows, pace)
    except (BenchFailed, TrialError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print(f"\n{report.table(shares)}\n\nwritten to {LATEST}")
    return 1 if any(share.errors for share in shares) else 0


def _measured(rows: Sequence[Row], pace: Pace) -> list[Share]:
    shares: list[Share] = []
    for row in rows:
        print(f"{row.name}: {row.title}", flush=True)
        with open_stand() as stand:
            found = measure(row, stand, pace, tell=lambda line: print(line, flush=True))
        report.write(found, LATEST)
        shares += found
    return shares


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure against the physical limits.")
    parser.add_argument("--row", choices=[row.name for row in ROWS], help="only this row")
    parser.add_argument("--rounds", type=int, default=Pace.rounds)
    parser.add_argument("--seconds", type=float, default=Pace.seconds, help="of each round and side")
    parser.add_argument("--clients", type=int, default=Pace.clients)
    parser.add_argument("--full", action="store_true", help="rows that have one in full size: 10,000,000 entries")
    return parser


if __name__ == "__main__":
    # As the worker does whose pages are measured in this process.
    gc.freeze()
    sys.exit(main(sys.argv[1:]))
