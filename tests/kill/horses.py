"""Work-horses that die when told to: each does one job as a worker's would, in a process forked for it.

A worker forks a horse for every job, and so does a stable. Before each statement, each commit and each call to the
platform a horse counts a moment; at the one it is told, or some milliseconds later, it kills itself with SIGKILL.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from uuid import uuid4

from sqlalchemy import event

from jobs import broadcasts, bulk, context, deliver, payouts, periodic
from loyalty.container import Container
from loyalty.kernel import outbox
from loyalty.kernel.clock import business_date
from loyalty.kernel.transaction import run
from tests.support.processes import fresh_processes

CALL = "call"
"""What the moment of a call to the platform is named; the others are named after their statement."""
_EVENTS_AT_ONCE = 20


@dataclass(frozen=True)
class Order:
    """What a horse is to do: a periodic job by its name, else the steps of a payout, else what the outbox holds.

    Or to send the broadcasts that are due, or pages of bulk work.
    """

    job: str | None = None
    payout_id: int | None = None
    bulk_run_id: int | None = None
    is_broadcasting: bool = False


@dataclass(frozen=True)
class Death:
    """At which moment a horse dies, and how many milliseconds after it."""

    moment: int
    after_ms: int = 0


@dataclass(frozen=True)
class Ride:
    """What became of a horse; the moments that it passed are told by one that lived."""

    has_died: bool
    moments: tuple[str, ...] = ()


class Stable:
    """A process with the container of a worker, which forks a horse for each order."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        processes = fresh_processes()
        self._line, theirs = processes.Pipe()
        self._process = processes.Process(target=_keep, args=(dict(environment), theirs), daemon=True)
        self._process.start()

    def ride(self, order: Order, death: Death | None = None) -> Ride:
        """Let a horse do an order; it came to its own end unless it was to die."""
        self._line.send((order, death))
        ride = self._line.recv()
        assert isinstance(ride, Ride), ride
        return ride

    def close(self) -> None:
        """Send everybody home."""
        self._line.send(None)
        self._process.join(10)


class _Moments:
    """Counts what a horse does, and ends it."""

    def __init__(self, death: Death | None) -> None:
        self._death = death
        self.passed: list[str] = []

    def watch(self, container: Container) -> None:
        engine = container.database.engine
        event.listen(engine, "before_cursor_execute", lambda *given: self.come(str(given[2]).split(maxsplit=1)[0]))
        event.listen(engine, "commit", lambda _connection: self.come("COMMIT"))
        sys.addaudithook(self._hear)

    def come(self, name: str) -> None:
        if self._death is not None and self._death.moment == len(self.passed):
            if self._death.after_ms == 0:
                _die()
            threading.Timer(self._death.after_ms / 1000, _die).start()
        self.passed.append(name)

    def _hear(self, name: str, _given: tuple[object, ...]) -> None:
        if name == "http.client.send":
            self.come(CALL)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _keep(environment: Mapping[str, str], line: Connection) -> None:
    os.environ.clear()
    os.environ.update(environment)
    container = context.container()
    while (wanted := line.recv()) is not None:
        line.send(_ride(container, *wanted))


def _ride(container: Container, order: Order, death: Death | None) -> Ride | str:
    reading, writing = os.pipe()
    horse = os.fork()
    if horse == 0:
        os.close(reading)
        os._exit(_work(container, order, death, writing))
    os.close(writing)
    with os.fdopen(reading) as told:
        names = told.read()
    status = os.waitstatus_to_exitcode(os.waitpid(horse, 0)[1])
    if status == -signal.SIGKILL:
        return Ride(has_died=True)
    return Ride(has_died=False, moments=tuple(names.split())) if status == 0 else names


def _work(container: Container, order: Order, death: Death | None, writing: int) -> int:
    moments = _Moments(death)
    moments.watch(container)
    try:
        _work_of(order)(container)
    except Exception as error:
        os.write(writing, f"{type(error).__name__}: {error}".encode())
        return 1
    os.write(writing, " ".join(moments.passed).encode())
    return 0


def _work_of(order: Order) -> Callable[[Container], None]:
    job, payout_id, bulk_run_id = order.job, order.payout_id, order.bulk_run_id
    if order.is_broadcasting:
        return lambda _container: broadcasts.perform(0)
    if bulk_run_id is not None:
        return lambda _container: bulk.perform(bulk_run_id)
    if job is not None:
        return lambda container: _perform(container, job)
    if payout_id is not None:
        return lambda container: payouts.take_steps(container, {"payout_id": payout_id}, container.clock.now())
    return _deliver


def _perform(container: Container, job: str) -> None:
    on = business_date(container.clock.now(), container.zone)
    periodic.perform(job, f"{on}T{uuid4()}", on.isoformat())


def _deliver(container: Container) -> None:
    lease_id = uuid4()
    run(container.database, lambda session: outbox.lease(session, lease_id=lease_id, count=_EVENTS_AT_ONCE))
    deliver.deliver(str(lease_id))
