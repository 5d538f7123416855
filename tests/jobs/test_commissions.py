"""Commissions by their jobs and events: from a purchase to what can be withdrawn, and back by a refund."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import commissions
from jobs.periodic import PeriodicRun
from loyalty.commissions.service import accruing, approving
from loyalty.earnings.models import EarningsEntry
from loyalty.kernel.database import Json
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
from tests.support.handling import handle_all, perform

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
    handle_all(container, session, "order.refunded")

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


class _SlowRun(PeriodicRun):
    """A run whose every page takes half an hour."""

    def beat(self) -> None:
        clock = self.container.clock
        assert isinstance(clock, StandingClock)
        clock.advance(minutes=30)


@pytest.mark.parametrize("job", [commissions.accrue_commissions, commissions.approve_commissions])
def test_a_long_run_past_midnight_writes_nothing_into_a_day_that_may_be_sealed(
    session: Session,
    container: NullContainer,
    clock: StandingClock,
    referrer: Member,
    monkeypatch: pytest.MonkeyPatch,
    job: Callable[[PeriodicRun], Json],
) -> None:
    friends = [invite_friend(session, referrer) for _ in range(2)]
    for number, friend in enumerate(friends):
        bought(session, friend, order_number=f"C-long-{number}")
    if job is commissions.approve_commissions:
        perform(container, commissions.accrue_commissions)
        clock.at = AT + timedelta(days=8)
    started_at = clock.at
    monkeypatch.setattr(accruing, "PAGE", 1)
    monkeypatch.setattr(approving, "PAGE", 1)

    job(_SlowRun(container, job="slow", slot=Slot("slow", started_at.date())))

    written = select(EarningsEntry.recorded_at).where(EarningsEntry.recorded_at >= started_at)
    first, second = session.scalars(written.order_by(EarningsEntry.id)).all()
    assert second - first == timedelta(minutes=30)
