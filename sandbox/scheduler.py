"""Runs work a little later, outside the request that caused it: pushes follow the answer of the call they belong to."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger(__name__)


class Scheduler:
    """A few threads and a queue by due time; delays are real seconds."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._stopped = False
        self._workers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="sandbox-push")
        self._thread = threading.Thread(target=self._run, name="sandbox-scheduler", daemon=True)
        self._thread.start()

    def later(self, delay: float, work: Callable[[], object]) -> None:
        """Runs ``work`` after ``delay`` seconds; nothing runs once the scheduler is stopped."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay, next(self._numbers), work))
            self._changed.notify()

    def stop(self) -> None:
        """Drops what is not due yet and waits for what runs."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and not self._is_due():
                    self._changed.wait(self._wait())
                if self._stopped:
                    return
                work = heapq.heappop(self._due)[2]
            self._workers.submit(_logged, work)

    def _is_due(self) -> bool:
        return bool(self._due) and self._due[0][0] <= time.monotonic()

    def _wait(self) -> float | None:
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else None


def _logged(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        logger.exception("work of the sandbox failed")
