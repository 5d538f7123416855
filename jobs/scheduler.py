"""The scheduler process: the relay of the outbox and the ticker of the schedule, a thread each."""

import signal
from threading import Event, Thread

import structlog

from jobs import queues, relay
from jobs.ticker import Ticker
from loyalty.container import Container
from loyalty.kernel.errors import Unavailable

log = structlog.get_logger("jobs.scheduler")

STOPPING = {signal.SIGTERM, signal.SIGINT}


def keep_time(container: Container) -> None:
    """Relay events and tick until told to stop by SIGTERM or SIGINT."""
    stop = Event()
    # Waited for by a thread instead of handled: a second signal within the handler of the first would find the
    # event's lock held, for ever. A dying supervisor sends several at once.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    Thread(target=_await_signal, args=(stop,), name="signals", daemon=True).start()
    loop(container, stop=stop)


def _await_signal(stop: Event) -> None:
    signal.sigwait(STOPPING)
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
