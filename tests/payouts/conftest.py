"""A platform with a book of its own, a clock that moves when told to, and payouts that are open."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.payouts.service.sending import Sender
from tests.factories.pay_bank import Bank
from tests.factories.payouts import Earner, ask, configure, make_earner, make_sender
from tests.payouts.books import Course
from tests.support.containers import StandingClock


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def clock(at: datetime) -> StandingClock:
    return StandingClock(at)


@pytest.fixture
def sender(database: Database, bank: Bank, clock: StandingClock) -> Sender:
    return make_sender(database, bank, clock)


@pytest.fixture(autouse=True)
def _payouts_are_open(session: Session) -> None:
    configure(session)


@pytest.fixture
def earner(session: Session) -> Earner:
    """A member with ¥1,000 to withdraw."""
    return make_earner(session)


@pytest.fixture
def payout_id(session: Session, earner: Earner) -> int:
    return ask(session, earner).id


@pytest.fixture
def course(
    session: Session, sender: Sender, bank: Bank, clock: StandingClock, earner: Earner, payout_id: int
) -> Course:
    """The payout with both ends of it."""
    return Course(session, sender, bank, clock, earner, payout_id)
