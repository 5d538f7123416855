"""Clients that are processes: each asks for its coupons one after the other, and notes what it was answered.

A client whose answer is lost asks again under the same key. One that was killed is started anew, and asks for
everything again: it no longer knows what it was answered, only its notes do.
"""

import json
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random
from typing import Any

from tests.kill.coupon_requests import Addresses, Ask, Desk, Lost
from tests.kill.coupon_wishes import Wish
from tests.support.processes import fresh_processes
from trial.processes import wait_until

PATIENCE_SECONDS = 60.0
END_SECONDS = 600.0


@dataclass(frozen=True)
class Errand:
    """What one client wants, along which path, and where it notes the answers."""

    addresses: Addresses
    ask: Ask
    wishes: Sequence[Wish]
    notes: Path


def shop(errand: Errand) -> None:
    """What a client does in its life."""
    with errand.notes.open("a") as notes:
        try:
            desk = Desk(errand.addresses)
            for number, wish in enumerate(errand.wishes):
                print(json.dumps({"wish": number, "coupon_id": _asked(errand.ask, desk, wish)}), file=notes, flush=True)
        except BaseException:
            print(json.dumps({"failed": traceback.format_exc()}), file=notes, flush=True)
            raise


def _asked(ask: Ask, desk: Desk, wish: Wish) -> int | None:
    answers: list[int | None] = []

    def is_answered() -> bool:
        try:
            answers.append(ask(desk, wish))
        except Lost:
            return False
        return True

    assert wait_until(is_answered, within_seconds=PATIENCE_SECONDS), "no answer comes"
    return answers[-1]


class Clients:
    """All clients of a sale, at work at the same time."""

    def __init__(self, errands: Sequence[Errand]) -> None:
        self._errands, self._processes = errands, fresh_processes()
        self._working: list[ForkServerProcess] = []

    def start(self) -> None:
        """Let all of them begin."""
        self._working = [self._started(errand) for errand in self._errands]

    def kill_one(self, chance: Random) -> None:
        """Kill a client that is at work, and let it begin anew."""
        at_work = [number for number, process in enumerate(self._working) if process.is_alive()]
        if at_work:
            number = chance.choice(at_work)
            self._working[number].kill()
            self._working[number].join()
            self._working[number] = self._started(self._errands[number])

    def join(self) -> None:
        """Wait until everybody has been answered."""
        for process in self._working:
            process.join(END_SECONDS)
        self.assert_sound()
        assert {process.exitcode for process in self._working} == {0}

    def assert_sound(self) -> None:
        """Nobody has come to an end but by being served."""
        assert [one["failed"] for errand in self._errands for one in _noted(errand) if "failed" in one] == []

    def answers(self) -> dict[Wish, set[int]]:
        """Return which coupons each wish was ever answered with."""
        told: dict[Wish, set[int]] = {}
        for errand in self._errands:
            for one in _noted(errand):
                told.setdefault(errand.wishes[one["wish"]], set()).update([one["coupon_id"]])
        return {wish: {coupon_id for coupon_id in ids if coupon_id is not None} for wish, ids in told.items()}

    def _started(self, errand: Errand) -> ForkServerProcess:
        process = self._processes.Process(target=shop, args=(errand,))
        process.start()
        return process


def _noted(errand: Errand) -> list[dict[str, Any]]:
    """A line that its writer was killed over is no answer."""
    lines = errand.notes.read_text().splitlines() if errand.notes.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]
