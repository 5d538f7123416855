"""The worker process: forks a work-horse for each job, and outlives outages of the queue server."""

import gc
import signal
import time
from types import FrameType
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq import Worker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from jobs import queues
from loyalty.gateways import redis as redis_gateway

log = structlog.get_logger("jobs.worker")

RETRY_SECONDS = 1.0
# Measured: with the library's defaults a killed worker's job was not taken up within 200 s, with
# these after 76 s. Events do not wait for that: their lease runs out after 20 s.
TIMES = {"worker_ttl": 30, "maintenance_interval": 10, "job_monitoring_interval": 5}


class StopFlag:
    """Set within signal handlers, and so without a lock: a second signal would find it held by the first."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Note that the process was asked to stop."""
        self._is_set = True

    def is_set(self) -> bool:
        """Tell whether it was."""
        return self._is_set


class _Worker(Worker):
    """RQ's worker, told where to note that it was asked to stop, and retrying more eagerly."""

    max_connection_wait_time = 2.0

    def __init__(self, *arguments: Any, stop: StopFlag, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._asked_to_stop = stop

    def _install_signal_handlers(self) -> None:
        """Hear signals from here on; one that came while this worker registered itself counts too."""
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        self._stop_requested = self._asked_to_stop.is_set()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish the job at hand, then stop."""
        self._asked_to_stop.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def work(redis_url: str, *, names: tuple[str, ...] = queues.QUEUES, is_burst: bool = False) -> None:
    """Work until told to stop by SIGTERM or SIGINT; in a burst, until the queues are empty.

    RQ's worker quits on some errors of the queue server; then a new one is started here.
    """
    # Left out of every collection, what was loaded stays shared with the work-horses, and costs bulk work nothing.
    gc.freeze()
    stop = StopFlag()
    while not stop.is_set():
        _stop_on_signals(stop)
        try:
            _worker(redis_url, names, stop).work(burst=is_burst, logging_level="WARNING")
        except RedisError as error:
            log.warning("queue_server_lost", error=type(error).__name__)
        except StopRequested:
            return
        if is_burst:
            return
        _stop_on_signals(stop)
        time.sleep(RETRY_SECONDS)


def _worker(redis_url: str, names: tuple[str, ...], stop: StopFlag) -> _Worker:
    return _Worker(
        names,
        connection=redis_gateway.connect(redis_url),
        serializer=JSONSerializer,
        log_job_description=False,
        stop=stop,
        **TIMES,
    )


def _stop_on_signals(stop: StopFlag) -> None:
    """Note signals that arrive while no RQ worker is there to hear them."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
