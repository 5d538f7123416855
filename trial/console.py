"""What the terminal and the log files show: one prefixed line per line of a process, never two mixed."""

import sys
import threading
from pathlib import Path
from typing import TextIO

LARGEST_LOG_BYTES = 10_000_000
PREFIX_WIDTH = 9


class Console:
    """The terminal, shared by the supervisor and the readers of its children."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Show a text of the supervisor itself."""
        self._write(f"{text}\n")

    def relay(self, name: str, line: str) -> None:
        """Show one line of a child behind its name."""
        self._write(f"{name:<{PREFIX_WIDTH}} | {line}\n")

    def _write(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                pass  # the terminal is gone; the log files go on


class LogFile:
    """The log of one child; the previous ten megabytes are kept beside it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("a", encoding="utf-8")
        self.last_line = ""

    def write(self, line: str) -> None:
        """Append one line."""
        if line.strip():
            self.last_line = line.strip()
        try:
            self._rotate_when_large()
            self._file.write(f"{line}\n")
            self._file.flush()
        except OSError:
            pass  # a full disk must not stop the child, which would block on its unread output

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rotate_when_large(self) -> None:
        if self._file.tell() < LARGEST_LOG_BYTES:
            return
        self._file.close()
        self._path.replace(self._path.with_suffix(".log.1"))
        self._file = self._path.open("a", encoding="utf-8")
