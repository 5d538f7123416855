"""Holds: what they bind nobody else spends, and it goes to their own capture even past its expiry."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.points.models import Lot
from loyalty.points.queries import summary
from loyalty.points.rules import (
    HOLD_LIFETIME_MAX,
    CaptureExceedsHold,
    HoldClosed,
    HoldNotFound,
    HoldReferenceReused,
    HoldState,
    InsufficientPoints,
    InvalidHoldPeriod,
    InvalidPoints,
    Shortfall,
)
from loyalty.points.service import release, release_expired
from tests.factories.members import make_member
from tests.factories.points import (
    assert_books_fit,
    balance_of,
    capture,
    draws_of,
    earn,
    lots_of,
    place,
    reverse,
    spend,
)
from tests.factories.stores import make_store
from tests.support.statements import StatementCounter

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def member_id(session: Session, at: datetime) -> int:
    """A member with 50 points that expire tomorrow, and 50 that never do."""
    member_id = make_member(session).id
    earn(session, member_id, 50)
    earn(session, member_id, 50, expires_at=at + DAY)
    return member_id


def available(session: Session, member_id: int, at: datetime) -> tuple[int, int]:
    """What can be spent, and what is held."""
    now = summary(session, member_id=member_id, at=at)
    return now.available, now.held


class TestPlace:
    def test_binds_points_that_nothing_else_can_spend(self, session: Session, member_id: int, at: datetime) -> None:
        hold = place(session, member_id, 60)

        assert (hold.state, hold.points, hold.is_replay) == (HoldState.PLACED, 60, False)
        assert available(session, member_id, at) == (40, 60)
        assert balance_of(session, member_id) == 100
        with pytest.raises(InsufficientPoints) as refused:
            spend(session, member_id, 41)
        assert refused.value.details == {"points": 41, "available": 40}
        with pytest.raises(InsufficientPoints):
            place(session, member_id, 41)
        spend(session, member_id, 40)
        assert lots_of(session, member_id) == [10, 50]
        assert_books_fit(session, member_id)

    def test_again_answers_with_the_hold_as_it_stands(self, session: Session, member_id: int, at: datetime) -> None:
        first = place(session, member_id, 60, reference="cart:1")

        again = place(session, member_id, 60, reference="cart:1", at=at + MINUTE)
        capture(session, member_id, "cart:1")
        after = place(session, member_id, 60, reference="cart:1", at=at + DAY)

        assert (again.id, again.state, again.is_replay) == (first.id, HoldState.PLACED, True)
        assert (after.id, after.state, after.captured_points) == (first.id, HoldState.CAPTURED, 60)
        assert balance_of(session, member_id) == 40

    def test_of_a_known_reference_with_other_figures_is_refused(self, session: Session, member_id: int) -> None:
        store = make_store(session)
        place(session, member_id, 60, reference="cart:1")

        with pytest.raises(HoldReferenceReused):
            place(session, member_id, 59, reference="cart:1")
        with pytest.raises(HoldReferenceReused):
            place(session, member_id, 60, reference="cart:1", store_id=store.id)

    @pytest.mark.parametrize("lifetime", [timedelta(), -MINUTE, HOLD_LIFETIME_MAX + MINUTE])
    def test_that_ends_at_once_or_never_is_refused(
        self, session: Session, member_id: int, at: datetime, lifetime: timedelta
    ) -> None:
        with pytest.raises(InvalidHoldPeriod):
            place(session, member_id, 1, expires_at=at + lifetime)

    def test_of_nothing_is_refused(self, session: Session, member_id: int) -> None:
        with pytest.raises(InvalidPoints):
            place(session, member_id, 0)

    def test_without_an_account_is_refused(self, session: Session) -> None:
        with pytest.raises(InsufficientPoints):
            place(session, make_member(session).id, 1)


class TestCapture:
    def test_draws_on_the_lots_that_were_bound_also_when_they_have_expired(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        place(session, member_id, 60, reference="cart:1", expires_at=at + 3 * DAY)

        captured = capture(session, member_id, "cart:1", at=at + 2 * DAY)

        assert (captured.points, captured.balance_after) == (-60, 40)
        assert draws_of(session, member_id, captured.entry_id) == [10, 50]
        assert available(session, member_id, at + 2 * DAY) == (40, 0)
        assert_books_fit(session, member_id)

    def test_of_a_part_frees_the_rest(self, session: Session, member_id: int, at: datetime) -> None:
        place(session, member_id, 60, reference="cart:1")

        captured = capture(session, member_id, "cart:1", points=20)

        assert captured.points == -20
        assert lots_of(session, member_id) == [50, 30]
        assert available(session, member_id, at) == (80, 0)
        assert_books_fit(session, member_id)

    def test_again_answers_as_the_first_time(self, session: Session, member_id: int, at: datetime) -> None:
        place(session, member_id, 60, reference="cart:1")
        first = capture(session, member_id, "cart:1", points=20)

        again = capture(session, member_id, "cart:1", points=20, at=at + DAY)

        assert (again.is_replay, again.entry_id) == (True, first.entry_id)
        with pytest.raises(HoldReferenceReused):
            capture(session, member_id, "cart:1")
        assert balance_of(session, member_id) == 80

    def test_of_more_than_it_binds_is_refused(self, session: Session, member_id: int) -> None:
        place(session, member_id, 60, reference="cart:1")

        with pytest.raises(CaptureExceedsHold):
            capture(session, member_id, "cart:1", points=61)
        with pytest.raises(InvalidPoints):
            capture(session, member_id, "cart:1", points=0)

    def test_of_what_was_released_or_ran_out_is_refused(self, session: Session, member_id: int, at: datetime) -> None:
        place(session, member_id, 10, reference="cart:1")
        place(session, member_id, 10, reference="cart:2", expires_at=at + MINUTE)
        release(session, member_id=member_id, reference="cart:1", at=at)

        for reference, state in (("cart:1", "released"), ("cart:2", "expired")):
            with pytest.raises(HoldClosed) as refused:
                capture(session, member_id, reference, at=at + MINUTE)
            assert refused.value.details == {"state": state}
        with pytest.raises(HoldNotFound):
            capture(session, member_id, "cart:3")

    def test_under_the_reference_of_another_spend_is_refused(self, session: Session, member_id: int) -> None:
        spend(session, member_id, 5, reference="cart:1")
        place(session, member_id, 5, reference="cart:1")

        with pytest.raises(HoldReferenceReused):
            capture(session, member_id, "cart:1")

    def test_is_reversed_like_any_spend(self, session: Session, member_id: int, at: datetime) -> None:
        place(session, member_id, 60, reference="cart:1")
        captured = capture(session, member_id, "cart:1")

        reverse(session, member_id, captured.entry_id)

        assert lots_of(session, member_id) == [50, 50]
        assert available(session, member_id, at) == (100, 0)
        assert_books_fit(session, member_id)


class TestRelease:
    def test_frees_the_points_and_gives_no_new_life(self, session: Session, member_id: int, at: datetime) -> None:
        place(session, member_id, 60, reference="cart:1", expires_at=at + 3 * DAY)

        released = release(session, member_id=member_id, reference="cart:1", at=at + 2 * DAY)

        assert released.state is HoldState.RELEASED
        assert available(session, member_id, at + 2 * DAY) == (50, 0)
        assert_books_fit(session, member_id)

    def test_again_changes_nothing(self, session: Session, member_id: int, at: datetime) -> None:
        place(session, member_id, 60, reference="cart:1")
        release(session, member_id=member_id, reference="cart:1", at=at)

        again = release(session, member_id=member_id, reference="cart:1", at=at + MINUTE)

        assert (again.state, again.closed_at, again.is_replay) == (HoldState.RELEASED, at, True)
        assert_books_fit(session, member_id)

    def test_of_what_was_captured_is_refused(self, session: Session, member_id: int, at: datetime) -> None:
        place(session, member_id, 60, reference="cart:1")
        capture(session, member_id, "cart:1")

        with pytest.raises(HoldClosed):
            release(session, member_id=member_id, reference="cart:1", at=at)
        with pytest.raises(HoldNotFound):
            release(session, member_id=member_id, reference="cart:2", at=at)


class TestHoldThatRanOut:
    def test_binds_nothing_though_no_job_has_closed_it(self, session: Session, member_id: int, at: datetime) -> None:
        place(session, member_id, 60, expires_at=at + MINUTE)

        assert available(session, member_id, at + MINUTE) == (100, 0)
        spent = spend(session, member_id, 90, at=at + MINUTE)

        assert draws_of(session, member_id, spent.entry_id) == [40, 50]
        assert_books_fit(session, member_id)

    def test_is_closed_by_the_job_and_others_are_not(self, session: Session, member_id: int, at: datetime) -> None:
        other_id = make_member(session).id
        earn(session, other_id, 100)
        for reference, minutes in (("cart:1", 1), ("cart:2", 2), ("cart:3", 3)):
            place(session, member_id, 10, reference=reference, expires_at=at + minutes * MINUTE)
        place(session, other_id, 10, expires_at=at + MINUTE)

        closed = release_expired(session, at=at + 2 * MINUTE, limit=100)

        assert closed == 3
        assert release_expired(session, at=at + 2 * MINUTE, limit=100) == 0
        assert release(session, member_id=member_id, reference="cart:2", at=at + DAY).state is HoldState.EXPIRED
        assert capture(session, member_id, "cart:3").points == -10
        assert_books_fit(session, member_id)
        assert_books_fit(session, other_id)


class TestHeldPoints:
    def test_are_not_taken_by_a_refund(self, session: Session, at: datetime) -> None:
        member_id = make_member(session).id
        earned = earn(session, member_id, 100)
        place(session, member_id, 60, reference="cart:1")

        reversal = reverse(session, member_id, earned.entry_id, shortfall=Shortfall.NEGATIVE)

        assert (reversal.points, reversal.balance_after) == (-100, 60)
        assert capture(session, member_id, "cart:1").balance_after == 0
        assert summary(session, member_id=member_id, at=at).debt == 60
        assert_books_fit(session, member_id)

    def test_are_no_points_that_expire_soonest(self, session: Session, member_id: int, at: datetime) -> None:
        place(session, member_id, 50)

        now, later = (summary(session, member_id=member_id, at=when) for when in (at, at + 20 * MINUTE))

        assert (now.soonest_expires_at, now.soonest_expiring_points) == (None, 0)
        assert (later.soonest_expires_at, later.soonest_expiring_points) == (at + DAY, 50)

    def test_cannot_leave_their_lot(self, session: Session, member_id: int) -> None:
        place(session, member_id, 60)
        held = session.scalars(select(Lot.held).where(Lot.member_id == member_id).order_by(Lot.id)).all()

        assert held == [10, 50]
        with pytest.raises(Exception, match="ck_lots_held"):
            session.execute(update(Lot).where(Lot.member_id == member_id).values(remaining=5))


def test_each_act_sends_few_statements(
    session: Session, member_id: int, statements: StatementCounter, at: datetime
) -> None:
    sent = {}
    for act, do in {
        "place": lambda: place(session, member_id, 60, reference="cart:1"),
        "capture": lambda: capture(session, member_id, "cart:1"),
        "place another": lambda: place(session, member_id, 10, reference="cart:2"),
        "release": lambda: release(session, member_id=member_id, reference="cart:2", at=at),
        "spend": lambda: spend(session, member_id, 10),
    }.items():
        statements.clear()
        do()
        sent[act] = statements.count

    assert sent == {"place": 4, "capture": 4, "place another": 4, "release": 3, "spend": 3}
