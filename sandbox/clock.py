"""The sandbox's clock: real time plus an offset that lives in a file other processes may read too.

The file holds one integer, the offset in seconds. It is replaced atomically, so a reader never sees half a number.
"""

import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

CHINA = timezone(timedelta(hours=8))
"""Quota days and printed times are those of China (UTC+8, no summer time)."""


class ClockOffsetUnreadable(Exception):
    """The clock offset file does not hold an integer."""


class Clock:
    """Tells the simulated time; every time the sandbox stores or sends comes from here."""

    def __init__(self, offset_file: Path) -> None:
        self._file = offset_file

    def offset(self) -> int:
        """The offset in seconds; a missing file counts as 0.

        Raises ClockOffsetUnreadable when the file holds anything but an integer.
        """
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return 0
        try:
            return int(text)
        except ValueError as error:
            raise ClockOffsetUnreadable(f"{self._file} must hold an integer number of seconds") from error

    def set_offset(self, seconds: int) -> None:
        """Moves the clock to real time plus ``seconds``, for every process that reads the file."""
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}.new")
        fresh.write_text(str(seconds), encoding="utf-8")
        fresh.replace(self._file)

    def advance(self, seconds: int) -> None:
        """Moves the clock forward by ``seconds`` from where it stands."""
        self.set_offset(self.offset() + seconds)

    def now(self) -> float:
        """Unix time in seconds, as the platform sees it."""
        return time.time() + self.offset()

    def day(self) -> str:
        """The date in China, by which daily quotas are counted."""
        return datetime.fromtimestamp(self.now(), CHINA).date().isoformat()


def iso(moment: float) -> str:
    """A unix time as ISO 8601 text with China's offset."""
    return datetime.fromtimestamp(moment, CHINA).isoformat(timespec="milliseconds")
