"""What was asked and what was pushed, newest last, kept in memory up to a bound."""

import threading
from collections import deque
from typing import Any

KEPT = 5000
SHOWN_BODY = 20_000
"""Longer bodies are cut in the log."""


class Log:
    """A bounded list with ids that grow by one."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._last = 0

    def add(self, entry: dict[str, Any]) -> None:
        """Appends an entry; long texts are cut."""
        cut = {key: value[:SHOWN_BODY] if isinstance(value, str) else value for key, value in entry.items()}
        with self._lock:
            self._last += 1
            self._entries.append({"id": self._last, **cut})

    def entries(self) -> list[dict[str, Any]]:
        """A copy of all entries kept."""
        with self._lock:
            return list(self._entries)

    def clear(self) -> None:
        """Forgets all entries; ids go on growing."""
        with self._lock:
            self._entries.clear()


class Logs:
    """The two logs of a world."""

    def __init__(self) -> None:
        self.requests = Log()
        self.pushes = Log()
