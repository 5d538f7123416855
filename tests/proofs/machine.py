"""The machine of a proof: a life of steps in a database beside an oracle, and how many such lives are lived."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import TypeVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.factories.orders import AT
from tests.support.proof import IS_FULL

MOMENT = timedelta(seconds=1)
picks = st.integers(0, 999)
Item = TypeVar("Item")


def pick(items: Sequence[Item], number: int) -> Item:
    """Choose one of some things."""
    return items[number % len(items)]


class Machine(RuleBasedStateMachine):
    """One life in a transaction of its own, with its clock; each kind of life counts its steps where it is checked."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.connection = engine.connect()
        self.session = Session(self.connection, expire_on_commit=False)
        self.at, self.numbers, self.steps = AT, count(1), 0

    def teardown(self) -> None:
        self.session.close()
        self.connection.close()


def live(kind: type[Machine], engine: Engine, *, part: int, lives: int, steps: int) -> int:
    """Live up to so many lives of up to so many steps each; return how many steps were checked.

    The long proof looks for new lives; every other run repeats the same ones, which each part has of its own.
    """
    checked = 0

    def begin() -> Machine:
        return Counted(engine)

    class Counted(kind):  # type: ignore[misc, valid-type]
        def teardown(self) -> None:
            nonlocal checked
            checked += self.steps
            super().teardown()

    run_state_machine_as_test(
        begin if IS_FULL else seed(part)(begin),
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=[Phase.generate],  # to shrink a failure against a database takes longer than to read it
        ),
    )
    return checked
