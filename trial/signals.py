"""The wish to stop: Ctrl-C, SIGTERM or a closed terminal, at any moment, start included."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(Exception):
    """The user wants the trial to stop."""


class StopRequest:
    """Counts the wishes to stop; the supervisor asks for them where stopping is safe."""

    def __init__(self) -> None:
        self._count = 0
        self._may_interrupt = False

    @property
    def is_urgent(self) -> bool:
        """Tell whether the user asked again while we were already stopping."""
        return self._count > 1

    def install(self) -> None:
        """Catch the signals from now on; only the main thread may do this."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)
        # Started with nohup it is ignored, and stays so.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._note)

    def check(self) -> None:
        """Raise when a stop is wanted.

        Raises:
            Stopped: it is.
        """
        if self._count:
            raise Stopped

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Let a signal break off the block at once; for work that waits on its own and cleans up behind itself.

        Raises:
            Stopped: a stop is wanted.
        """
        self.check()
        self._may_interrupt = True
        try:
            yield
        finally:
            self._may_interrupt = False

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if self._may_interrupt:
            self._may_interrupt = False
            raise Stopped
