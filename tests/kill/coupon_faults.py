"""What befalls a running system in the middle of a sale."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from subprocess import Popen

from tests.kill.conftest import Installation, children_of
from tests.kill.coupon_crowd import Clients
from tests.support.proof import IS_FULL

HUNG_UP = 3
"""Connections at once."""
_HANG_UP = (
    "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name <> '' ORDER BY random() LIMIT :count) AS hit"
)


def pass_the_time(site: Installation) -> None:
    """Let what the dead held run out, and the minute come in which what the queue has lost is found.

    For more than a minute the queue believes that the dead are at work, which only the full proof waits for.
    """
    site.let_leases_run_out()
    if not IS_FULL:
        site.redis.flushall()
    site.advance(61)


class Faults:
    """Kills, cut connections and an empty queue, in an order of chance."""

    def __init__(self, site: Installation, web: Popen[bytes], workers: list[Popen[bytes]], clients: Clients) -> None:
        self._site, self._web, self._workers, self._clients = site, web, workers, clients
        self._chance = Random(20)

    def plan(self, victims: Sequence[str], rounds: int) -> Sequence[Callable[[], None]]:
        """Return what happens, one after the other."""
        kills = {"web": self._kill_a_web_process, "worker": self._kill_a_worker, "client": self._kill_a_client}
        planned = [self._hang_up, self._empty_redis, *(kills[victim] for victim in victims)] * rounds
        self._chance.shuffle(planned)
        return planned

    def _hang_up(self) -> None:
        assert self._site.value(_HANG_UP, count=HUNG_UP), "nobody is connected"

    def _empty_redis(self) -> None:
        self._site.redis.flushall()
        pass_the_time(self._site)

    def _kill_a_web_process(self) -> None:
        """With two deaths of one in a few seconds the server gives up, and the service manager starts it again."""
        with suppress(ProcessLookupError, IndexError):  # those killed before have not all come up again
            server = children_of(self._web.pid)[0]
            os.kill(self._chance.choice(children_of(server)), signal.SIGKILL)

    def _kill_a_worker(self) -> None:
        number = self._chance.randrange(len(self._workers))
        self._site.kill(self._workers[number])
        self._workers[number] = self._site.run("worker")
        pass_the_time(self._site)

    def _kill_a_client(self) -> None:
        self._clients.kill_one(self._chance)
