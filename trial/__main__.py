"""``python -m trial run | status | exec COMMAND… | reset``."""

import argparse
import io
import sys

from trial import commands
from trial.console import Console
from trial.errors import TrialError
from trial.paths import TRIAL


def main(arguments: list[str]) -> int:
    """Do what was asked; anything that is in the way is said in one line."""
    parser = argparse.ArgumentParser(prog="python -m trial", description="Run the whole system on this machine.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("run", help="start everything and keep it running until Ctrl-C")
    actions.add_parser("status", help="show what is running")
    actions.add_parser("reset", help="stop leftovers and delete all data of the trial")
    execute = actions.add_parser("exec", help="run a command with the settings of the running trial")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that knows no Chinese shows question marks
    try:
        if chosen.action == "run":
            commands.run(TRIAL, Console())
        elif chosen.action == "status":
            commands.status(TRIAL, Console())
        elif chosen.action == "reset":
            commands.reset(TRIAL, Console())
        elif not chosen.command:
            parser.error("exec needs a command")
        else:
            commands.execute(TRIAL, chosen.command)
    except TrialError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
