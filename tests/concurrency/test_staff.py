"""Races around accounts, on a database that really commits."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from uuid import uuid4

from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.staff import queries, rules, service
from loyalty.staff.models import StaffAccount
from loyalty.staff.service.accounts import LastAdministrator
from loyalty.staff.service.throttle import TooManyTries
from tests.factories.staff import make_staff

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
ACTOR = Actor("system:tests")


def at_once(*works: Callable[[], object]) -> list[LoyaltyError | None]:
    barrier = Barrier(len(works))

    def started(work: Callable[[], object]) -> LoyaltyError | None:
        barrier.wait()
        try:
            work()
        except LoyaltyError as error:
            return error
        return None

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(started, works))


class TestLogInTries:
    def test_at_once_gain_nothing_over_the_limit(self, committed_database: Database) -> None:
        username = f"u{uuid4().hex[:12]}"

        def admit() -> object:
            return run(
                committed_database,
                lambda session: service.admit_try(session, username=username, ip=uuid4().hex, at=AT),
            )

        outcomes = at_once(*[admit] * 24)

        admitted = [outcome for outcome in outcomes if outcome is None]
        assert len(admitted) == rules.TRIES_PER_ACCOUNT
        assert all(isinstance(outcome, TooManyTries) for outcome in outcomes if outcome)


class TestTheLastTwoAdministrators:
    def test_cannot_switch_each_other_off(self, committed_database: Database) -> None:
        accounts = [self.administrator(committed_database) for _ in range(2)]
        self.switch_off_others(committed_database, keep=accounts)

        outcomes = at_once(
            *(
                lambda staff_id=account.id: run(
                    committed_database,
                    lambda session: service.set_active(session, staff_id=staff_id, is_active=False, actor=ACTOR, at=AT),
                )
                for account in accounts
            )
        )

        refused = [outcome for outcome in outcomes if outcome is not None]
        assert [type(error) for error in refused] == [LastAdministrator]

    def administrator(self, database: Database) -> StaffAccount:
        return run(database, lambda session: make_staff(session, username=f"a{uuid4().hex[:12]}"))

    def switch_off_others(self, database: Database, *, keep: list[StaffAccount]) -> None:
        kept = {account.id for account in keep}
        people = run(database, lambda session: queries.list_staff(session, is_active=True))
        for person in people:
            if person.id not in kept:
                run(
                    database,
                    lambda session, staff_id=person.id: service.set_active(
                        session, staff_id=staff_id, is_active=False, actor=ACTOR, at=AT
                    ),
                )
