"""``python -m sandbox``: runs the sandbox until it is interrupted."""

import argparse
import logging
import signal
import sys
from pathlib import Path

from sandbox.config import load
from sandbox.server import StartFailed, start
from sandbox.shapes import ConfigInvalid

STOPPING = {signal.SIGINT, signal.SIGTERM}


def main() -> int:
    """Runs the server; exit status 2 with one line of reason when it cannot start."""
    options = _options()
    logging.basicConfig(level=logging.WARNING, format="sandbox: %(levelname)s %(message)s")
    # Waited for instead of handled: several signals in a row may not trip over each other.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        handle = start(
            load(options.config),
            port=options.port,
            host=options.host,
            state=options.state,
            clock_offset_file=options.clock_offset_file,
            seed=options.seed,
        )
    except (ConfigInvalid, StartFailed) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    print(f"sandbox: listening on {handle.url}", flush=True)
    signal.sigwait(STOPPING)
    handle.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local WeChat platform.")
    parser.add_argument("--port", type=int, default=8100, help="0 takes a free port (default 8100)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--config", type=Path, help="JSON file; what it leaves out comes from the default world")
    parser.add_argument("--state", type=Path, help="SQLite file that keeps users and messages for the next run")
    parser.add_argument("--clock-offset-file", type=Path, help="file with the clock's offset in seconds")
    parser.add_argument("--seed", help="makes ids, tokens and codes repeatable")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
