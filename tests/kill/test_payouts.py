"""Killing the workers of payouts at every moment, over a platform that fails in every way: nobody is paid twice."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app import create_app
from loyalty.container import build
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service import deciding
from loyalty.settings import Settings
from tests.factories.check_ins import SHANGHAI
from tests.factories.payouts import STAFF, configure
from tests.kill.conftest import BALANCE_FEN, Installation
from tests.kill.horses import CALL, Death, Order, Stable
from tests.kill.payout_site import DUE, PayoutSite, Person
from tests.support import proof
from trial.environment import LOCAL

pytestmark = pytest.mark.kill

RUNS = proof.size(reduced=12, full=10_000)
AT_ONCE = proof.size(reduced=12, full=25)
"""Payouts that live through the same time together; each is one run."""
ACTS_EACH = 8
MOMENTS_MAX = 40
"""A little more than the longest ride has, so that some horses live."""
AMID_THE_CALL_MS = (2, 8, 25)
"""About when the platform reads, does and answers."""
ANSWER_DELAY_MS = 10_000
"""Shorter than the worker's patience: it is the kill that ends the call."""
CALL_FAULTS: tuple[dict[str, Any], ...] = (
    {"drop": "before"},
    {"drop": "after"},
    {"code": "SYSTEM_ERROR"},
    {"code": "SYSTEM_ERROR", "apply": True},
    {"http": 502, "body": "<html>bad gateway</html>"},
    {"http": 502, "body": "<html>bad gateway</html>", "apply": True},
    {"code": "NOT_ENOUGH"},
    {"code": "FREQUENCY_LIMITED"},
    {"code": "INVALID_REQUEST"},
    {"code": "PARAM_ERROR", "apply": True},
    {"code": "SIGN_ERROR"},
    {"code": "A_NEW_CODE", "http": 400, "apply": True},
    {"signature": "wrong"},
    {"signature": "none"},
    {"timestamp_shift": -3600},
    {"truncate": 20},
    {"answer_delay_ms": 40},
    {"unset": ["package_info"]},
)
NOTICE_FAULTS: tuple[dict[str, Any], ...] = (
    {"drop": "before"},
    {"drop": "after"},
    {"duplicate": 3},
    {"replay": 2},
    {"reorder": True},
    {"signature": "wrong"},
    {"key": "wrong"},
    {"timestamp_shift": -3600},
    {"delay_ms": 50},
)
BILL_FAULTS: tuple[dict[str, Any], ...] = (
    {"event": "create", "state": "ACCEPTED"},
    {"event": "create", "state": "PROCESSING"},
    {"event": "create", "fail_reason": "ACCOUNT_FROZEN"},
    {"event": "confirm", "state": "TRANSFERING"},
    {"event": "confirm", "fail_reason": "REAL_NAME_CHECK_FAIL"},
)


@pytest.fixture
def site(installation: Installation) -> Iterator[PayoutSite]:
    """An installation whose payouts are open, and the door that takes callbacks."""
    run(installation.database, lambda session: configure(session, at=installation.now()))
    stable = Stable(installation.environment)
    with callbacks_of(installation):
        yield PayoutSite(installation, stable)
    stable.close()
    assert installation.control("/pay/alarms", method="GET") == [], "something was paid twice"


@contextmanager
def callbacks_of(installation: Installation) -> Iterator[None]:
    """Take callbacks as the web server does, in a thread of this process."""
    container = build(Settings.from_environment(installation.environment))
    server = make_server(LOCAL, installation.port, create_app(container), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()
    container.database.engine.dispose()


def moments_of(site: PayoutSite, order: Order) -> tuple[str, ...]:
    ride = site.stable.ride(order)
    assert not ride.has_died
    return ride.moments


def test_a_worker_that_dies_at_any_moment_of_a_transfer_pays_once(site: PayoutSite) -> None:
    person = site.enrol()
    sending = moments_of(site, Order(payout_id=site.ask(person, 1_000).id))
    assert "COMMIT" in sending[: sending.index(CALL)], "it calls before it has written that it does"
    call = sending.index(CALL)
    deaths = [Death(moment) for moment in range(len(sending))]
    deaths += [Death(call, after_ms) for after_ms in AMID_THE_CALL_MS]

    for death in deaths:
        payout = site.ask(site.enrol(), 1_000 + death.moment)
        assert site.stable.ride(Order(payout_id=payout.id), death).has_died or death.after_ms
    site.let_wait(minutes=3)
    # Those that come after them begin with a query, and die at the next moment each.
    for number, one in enumerate(deaths):
        site.stable.ride(Order(payout_id=number + 2), Death(one.moment))
    site.end_all(confirms=lambda: True)

    site.assert_difference_is_zero()
    site.assert_no_money_is_missing(site.paid_fen)
    assert site.paid_fen == 1_000 + sum(1_000 + death.moment for death in deaths)


def test_a_worker_of_the_queue_killed_while_the_platform_answers_pays_once(site: PayoutSite) -> None:
    installation, person = site.installation, site.enrol()
    installation.run("scheduler")
    worker = installation.run("worker")
    installation.control("/faults", {"method": "POST", "path": "transfer-bills$", "answer_delay_ms": ANSWER_DELAY_MS})
    payout = site.ask(person, 1_000)
    installation.wait(lambda: bool(site.bills(person)), "nothing was sent")

    installation.kill(worker)
    assert site.payout(payout.id).state is PayoutState.SENDING
    installation.run("worker")
    site.let_wait(minutes=3)
    installation.wait(lambda: site.payout(payout.id).package_info is not None, "nobody took it up")
    (bill,) = site.bills(person)
    site.confirm(person, bill)

    installation.wait(lambda: site.payout(payout.id).state is PayoutState.SUCCESS, "the callback did not arrive")
    site.assert_difference_is_zero()


@dataclass
class Lives:
    """Some payouts at the same time, and all that can happen to them."""

    site: PayoutSite
    dice: random.Random
    payouts: list[tuple[Person, PayoutView]] = field(default_factory=list)

    def begin(self, count: int) -> None:
        self.site.people.clear()
        for _ in range(count):
            person = self.site.enrol()
            self.payouts.append((person, self.site.ask(person, self.dice.randint(100, 60_000))))

    def act(self) -> None:
        acts = [self.work, self.work, self.work, self.deliver, self.confirm, self.wait, self.cancel, self.decide]
        self.dice.choice([*acts, self.run_dry, self.site.go_on])()

    def work(self) -> None:
        self._spoil(CALL_FAULTS, target="api", path="transfer-bills")
        self._spoil(BILL_FAULTS[:3], target="transfer")
        _person, payout = self.dice.choice(self.payouts)
        self.site.stable.ride(self.dice.choice([Order(payout_id=payout.id)] * 4 + [Order(job=DUE)]), self._death())
        self.site.installation.control("/faults", method="DELETE")

    def deliver(self) -> None:
        self.site.stable.ride(Order(), self._death())

    def confirm(self) -> None:
        self._spoil(NOTICE_FAULTS, target="notify")
        self._spoil(BILL_FAULTS[3:], target="transfer")
        person, _payout = self.dice.choice(self.payouts)
        for bill in self.site.bills(person):
            if bill["state"] == "WAIT_USER_CONFIRM":
                self.site.confirm(person, bill)

    def wait(self) -> None:
        self.site.let_wait(minutes=self.dice.choice([1, 3, 20, 60, 180]))

    def cancel(self) -> None:
        at, payout = self.site.installation.now(), self.dice.choice(self.payouts)[1]
        try:
            run(
                self.site.installation.database,
                lambda session: deciding.cancel(session, payout_id=payout.id, zone=SHANGHAI, actor=STAFF, at=at),
            )
        except LoyaltyError:
            assert self.site.payout(payout.id).state not in (PayoutState.NEW, PayoutState.WAITING_CONFIRM)

    def decide(self) -> None:
        for _person, payout in self.payouts:
            if self.site.payout(payout.id).state is PayoutState.AWAITING_APPROVAL:
                self._decide(payout.id, is_approved=self.dice.random() < 0.8)

    def run_dry(self) -> None:
        """The merchant's account is empty while a worker works."""
        money = BALANCE_FEN - self.site.installation.control("/pay/top-up", {"amount_fen": 0})["balance_fen"]
        self.site.installation.control("/pay/top-up", {"amount_fen": money - BALANCE_FEN})
        self.work()
        self.site.installation.control("/pay/top-up", {"amount_fen": BALANCE_FEN - money})

    def _decide(self, payout_id: int, *, is_approved: bool) -> None:
        at = self.site.installation.now()

        def decide(session: Session) -> None:
            deciding.decide(
                session, payout_id=payout_id, is_approved=is_approved, zone=SHANGHAI, actor=STAFF, at=at
            )  # fmt: skip

        run(self.site.installation.database, decide)

    def _death(self) -> Death | None:
        if self.dice.random() < 0.3:
            return None
        return Death(self.dice.randrange(MOMENTS_MAX), self.dice.choice([0, 0, *AMID_THE_CALL_MS]))

    def _spoil(self, faults: tuple[dict[str, Any], ...], **where: str) -> None:
        if self.dice.random() < 0.6:
            fault = {**where, **self.dice.choice(faults)}
            self.site.installation.control("/faults", fault | {"after": self.dice.choice([0, 0, 1])})


@pytest.mark.timeout(0)
def test_the_two_books_agree_after_random_faults_and_deaths(site: PayoutSite) -> None:
    dice = random.Random(7)
    for _ in range(RUNS // AT_ONCE):
        lives = Lives(site, dice)
        lives.begin(AT_ONCE)
        for _act in range(ACTS_EACH * AT_ONCE):
            lives.act()
        lives.decide()
        site.end_all(confirms=lambda: dice.random() < 0.7)

        site.assert_difference_is_zero()
    site.assert_no_money_is_missing(site.paid_fen)
    assert {"noticed", "answered:cancel", "answered:query"} <= site.what_happened()
