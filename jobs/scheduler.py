"""The scheduler process: the relay of the outbox and the ticker of the schedule, a thread each."""

import signal
from queue import SimpleQueue
from threading import Event, Thread

import structlog

from jobs import queues, relay
from jobs.ticker import Ticker
from loyalty.container import Container
from loyalty.kernel.errors import Unavailable

log = structlog.get_logger("jobs.scheduler")

STOPPING = (signal.SIGTERM, signal.SIGINT)


def keep_time(container: Container) -> None:
    """Relay events and tick until told to stop by SIGTERM or SIGINT."""
    stop, told = Event(), SimpleQueue[int]()
    # A handler that set the event would find its lock held, for ever, when a second signal came within the first: a
    # dying supervisor sends several at once. To this queue one may put in the midst of anything.
    for number in STOPPING:
        signal.signal(number, lambda signum, _frame: told.put(signum))
    Thread(target=_stop_when_told, args=(told, stop), name="signals", daemon=True).start()
    loop(container, stop=stop)


def _stop_when_told(told: "SimpleQueue[int]", stop: Event) -> None:
    told.get()
    stop.set()


def loop(container: Container, *, stop: Event) -> None:
    """Run both loops until ``stop`` is set, then give up the lead."""
    ticker = Ticker(container)
    relaying = Thread(target=_relay, args=(container, stop), name="relay")
    relaying.start()
    log.info("scheduler_started")
    relay.repeat(ticker.tick, stop=stop, name="ticker")
    relaying.join()
    try:
        ticker.step_down()
    except Unavailable:
        log.info("lead_left_to_run_out")
    log.info("scheduler_stopped")


def _relay(container: Container, stop: Event) -> None:
    queue = queues.queue(queues.URGENT, connection=container.redis)

    def step() -> float:
        return 0.0 if relay.sweep(container.database, queue) == relay.CHUNK else relay.IDLE_SECONDS

    relay.repeat(step, stop=stop, name="relay")
