"""Reserving, giving back and purging, without anybody in between."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.errors import InvariantBroken
from loyalty.limits import service
from loyalty.limits.rules import Granted, Limit, LimitExhausted
from tests.factories.limits import make_limit
from tests.support.statements import StatementCounter

BUCKETS = pytest.mark.parametrize("buckets", [1, 16])


def used_of(session: Session, *limits: Limit) -> list[int]:
    return [service.used(session, limit=limit) for limit in limits]


def drain(session: Session, limit: Limit) -> int:
    """Take one by one until it is refused; return how many that were."""
    taken = 0
    while True:
        try:
            service.reserve(session, limits=[limit], amount=1)
        except LimitExhausted:
            return taken
        taken += 1


class TestReserve:
    @BUCKETS
    @pytest.mark.parametrize("ceiling", [0, 1, 50, 100])
    def test_hands_out_the_whole_ceiling_and_no_more(self, session: Session, ceiling: int, buckets: int) -> None:
        limit = make_limit(ceiling, buckets=buckets)

        assert drain(session, limit) == ceiling
        assert used_of(session, limit) == [ceiling]

    @BUCKETS
    def test_takes_from_all_or_from_none_and_names_the_limit_that_refuses(self, session: Session, buckets: int) -> None:
        wide, tight = make_limit(100), make_limit(5, name="member_day", period="2026-03-10", buckets=buckets)
        service.reserve(session, limits=[wide, tight], amount=3)

        with pytest.raises(LimitExhausted) as refusal:
            service.reserve(session, limits=[wide, tight], amount=3)

        assert refusal.value.details == {
            "limit": "member_day", "subject": tight.subject, "period": "2026-03-10", "ceiling": 5, "left": 2,
        }  # fmt: skip
        assert used_of(session, wide, tight) == [3, 3]

    @BUCKETS
    def test_of_more_than_any_bucket_has_left_collects_it_from_all(self, session: Session, buckets: int) -> None:
        limit = make_limit(100, buckets=buckets)
        for _ in range(40):
            service.reserve(session, limits=[limit], amount=1)

        service.reserve(session, limits=[limit], amount=60)

        assert used_of(session, limit) == [100]

    def test_counts_entities_and_periods_apart(self, session: Session) -> None:
        limit = make_limit(1, entity="member:1", period="2026-03-10")
        others = [replace(limit, entity="member:2"), replace(limit, period="2026-03-11")]

        for each in (limit, *others):
            service.reserve(session, limits=[each], amount=1)

        assert used_of(session, limit, *others) == [1, 1, 1]

    @BUCKETS
    def test_is_one_statement_once_the_counters_are_there(
        self, session: Session, statements: StatementCounter, buckets: int
    ) -> None:
        limits = [make_limit(1000, buckets=buckets)]
        service.reserve(session, limits=limits, amount=1)

        statements.clear()
        service.reserve(session, limits=limits, amount=1)

        assert statements.count == 1

    def test_of_several_limits_at_once_is_one_statement_even_the_first_time(
        self, session: Session, statements: StatementCounter
    ) -> None:
        statements.clear()
        service.reserve(session, limits=[make_limit(9) for _ in range(4)], amount=1)

        assert statements.count == 1


class TestReserveUpTo:
    @BUCKETS
    def test_takes_what_the_tightest_limit_allows_from_all(self, session: Session, buckets: int) -> None:
        wide, tight = make_limit(100, buckets=buckets), make_limit(7)

        granted = service.reserve_up_to(session, limits=[wide, tight], amount=10)

        assert granted == Granted(7, tight)
        assert used_of(session, wide, tight) == [7, 7]

    def test_stopped_by_a_limit_in_buckets_gives_the_others_back_what_is_too_much(self, session: Session) -> None:
        wide, tight = make_limit(100), make_limit(7, buckets=16)

        granted = service.reserve_up_to(session, limits=[wide, tight], amount=10)

        assert granted == Granted(7, tight)
        assert used_of(session, wide, tight) == [7, 7]

    @BUCKETS
    def test_of_an_exhausted_limit_takes_nothing(self, session: Session, buckets: int) -> None:
        limit, other = make_limit(0, buckets=buckets), make_limit(5)

        assert service.reserve_up_to(session, limits=[limit, other], amount=10) == Granted(0, limit)
        assert used_of(session, limit, other) == [0, 0]

    def test_within_all_limits_names_none(self, session: Session) -> None:
        assert service.reserve_up_to(session, limits=[make_limit(10)], amount=10) == Granted(10)

    def test_of_nothing_and_of_no_limits_is_granted(self, session: Session) -> None:
        assert service.reserve_up_to(session, limits=[], amount=10) == Granted(10)
        assert service.reserve_up_to(session, limits=[make_limit(0)], amount=0) == Granted(0)


class TestGiveBack:
    @BUCKETS
    def test_makes_room_again(self, session: Session, buckets: int) -> None:
        limit = make_limit(100, buckets=buckets)
        drain(session, limit)

        service.give_back(session, limits=[limit], amount=30)

        assert drain(session, limit) == 30

    @BUCKETS
    def test_of_more_than_is_used_breaks_the_books(self, session: Session, buckets: int) -> None:
        limit = make_limit(100, buckets=buckets)
        service.reserve(session, limits=[limit], amount=5)

        with pytest.raises(InvariantBroken):
            service.give_back(session, limits=[limit], amount=6)

    @BUCKETS
    def test_to_a_period_whose_counters_are_gone_is_passed_over(self, session: Session, buckets: int) -> None:
        limit = make_limit(10, period="2025-01-31", buckets=buckets)

        service.give_back(session, limits=[limit], amount=5)

        assert used_of(session, limit) == [0]


class TestACeilingThatChanges:
    @BUCKETS
    def test_upwards_makes_room(self, session: Session, buckets: int) -> None:
        limit = make_limit(50, buckets=buckets)
        drain(session, limit)

        assert drain(session, replace(limit, ceiling=80)) == 30

    @BUCKETS
    def test_downwards_counts_what_is_used_already(self, session: Session, buckets: int) -> None:
        limit = make_limit(100, buckets=buckets)
        service.reserve(session, limits=[limit], amount=30)

        assert drain(session, replace(limit, ceiling=70)) == 40

    @BUCKETS
    def test_below_what_is_used_makes_no_room_until_enough_is_given_back(self, session: Session, buckets: int) -> None:
        limit = make_limit(200, buckets=buckets)
        drain(session, limit)
        lowered = replace(limit, ceiling=100)
        assert drain(session, lowered) == 0

        service.give_back(session, limits=[lowered], amount=60)
        assert drain(session, lowered) == 0
        service.give_back(session, limits=[lowered], amount=50)

        assert drain(session, lowered) == 10


def test_purging_deletes_periods_that_are_over_and_nothing_else(session: Session) -> None:
    over = make_limit(9, period="2026-02-28", buckets=16)
    kept = [make_limit(9, period=period) for period in ("2026-03-01", "2026-W09", "2026-03", "total")]
    for limit in (over, *kept):
        service.reserve(session, limits=[limit], amount=1)

    deleted = service.purge(session, before=date(2026, 3, 1))

    assert deleted == 16
    assert used_of(session, over, *kept) == [0, 1, 1, 1, 1]


class TestMove:
    def test_counts_for_the_other_entity_what_the_first_has_used_of_every_limit(self, session: Session) -> None:
        shared, own = make_limit(100, entity="member:7"), make_limit(100, entity="member:7", period="2026-03")
        theirs = replace(shared, entity="member:8")
        service.reserve(session, limits=[shared, own], amount=30)
        service.reserve(session, limits=[theirs], amount=80)

        service.move(session, from_entity="member:7", to_entity="member:8")

        assert used_of(session, shared, own) == [0, 0]
        assert used_of(session, theirs, replace(own, entity="member:8")) == [110, 30]

    def test_over_a_ceiling_leaves_no_room_until_as_much_was_given_back(self, session: Session) -> None:
        mine, theirs = (make_limit(100, subject="test:moved", entity=entity) for entity in ("member:7", "member:8"))
        for limit in (mine, theirs):
            service.reserve(session, limits=[limit], amount=80)
        service.move(session, from_entity="member:7", to_entity="member:8")

        assert service.reserve_up_to(session, limits=[theirs], amount=10).amount == 0
        service.give_back(session, limits=[theirs], amount=80)
        assert service.reserve_up_to(session, limits=[theirs], amount=30).amount == 20

    def test_again_moves_nothing_and_leaves_other_entities_alone(self, session: Session) -> None:
        limit, other = make_limit(100, entity="member:7"), make_limit(100, entity="member:77")
        service.reserve(session, limits=[limit, other], amount=5)

        for _ in range(2):
            service.move(session, from_entity="member:7", to_entity="member:8")

        assert used_of(session, replace(limit, entity="member:8"), other) == [5, 5]
