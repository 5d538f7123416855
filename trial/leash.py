"""Starts a command that is told to end when its supervisor dies, however that happens.

Run as a script: ``leash.py PARENT COMMAND…``. It becomes the command, so no process is added. Done here and not between
fork and exec of the supervisor, whose log threads make that unsafe. Only Linux has the means; elsewhere the next run
ends what was left over.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Put on the leash, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    # The supervisor may have died before the line above took effect.
    if os.getppid() == parent:
        os.execvp(command[0], command)


if __name__ == "__main__":
    main()
