"""Commissions by their jobs and events: from a purchase to what can be withdrawn, and back by a refund."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from jobs import commissions, handlers
from jobs.periodic import PeriodicRun
from loyalty.kernel.database import Json
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.timetable import Slot
from loyalty.members.models import Member
from tests.factories.checkout import give_back
from tests.factories.commissions import (
    AT,
    LAST_MONTH,
    bought,
    commission_of,
    commissions_of,
    invite_friend,
    make_referrer,
    money,
    publish_plan,
)
from tests.factories.orders import make_refund
from tests.factories.referrals import publish, referral_of
from tests.support.containers import NullContainer, StandingClock
from tests.support.events import recorded

HOUR = timedelta(hours=1)


@pytest.fixture
def referrer(session: Session) -> Member:
    publish(session, at=LAST_MONTH)
    publish_plan(session)
    return make_referrer(session)


@pytest.fixture
def clock(container: NullContainer) -> StandingClock:
    assert isinstance(container.clock, StandingClock)
    return container.clock


def perform(container: NullContainer, job: Callable[[PeriodicRun], Json]) -> Json:
    at = container.clock.now()
    return job(PeriodicRun(container, job=job.__name__, slot=Slot(at.isoformat(), at.date())))


def test_a_purchase_is_accrued_then_approved_and_its_refund_takes_it_back(
    session: Session, container: NullContainer, clock: StandingClock, referrer: Member
) -> None:
    order_id = bought(session, invite_friend(session, referrer), order_number="C-job")

    assert perform(container, commissions.accrue_commissions) == {"orders": 1, "commissions": 1, "amount_fen": 500}
    assert perform(container, commissions.approve_commissions) == {"approved": 0, "waiting": 0}
    clock.at = AT + timedelta(days=8)
    assert perform(container, commissions.approve_commissions) == {"approved": 1, "waiting": 0}
    assert money(session, referrer) == (0, 500, 0)

    give_back(session, make_refund("C-job"))
    (payload,) = recorded(session, "order.refunded")
    for _ in range(2):
        handlers.handle(container, OutboxEvent(id=0, kind="order.refunded", payload=payload, attempts=1))

    assert commission_of(session, order_id).state == "reversed"
    assert money(session, referrer) == (0, 0, 0)


def test_purchases_of_a_friend_who_was_attributed_late_are_caught_up_with(
    session: Session, container: NullContainer, clock: StandingClock, referrer: Member
) -> None:
    friend = invite_friend(session, referrer)
    referral = referral_of(session, friend.id)
    referral.is_standing = False
    order_id = bought(session, friend)
    perform(container, commissions.accrue_commissions)
    clock.at = AT + HOUR
    bought(session, make_referrer(session), paid_at=AT + HOUR)
    perform(container, commissions.accrue_commissions)

    referral.is_standing = True
    session.flush()
    assert perform(container, commissions.accrue_commissions)["commissions"] == 0
    assert commissions_of(session, order_id) == []
    assert perform(container, commissions.catch_up_commissions)["commissions"] == 1
