"""Refunds lower growth: exactly, in its own period, and with the level that only it had reached."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy.orm import Session

from loyalty.tiers.models import MemberTier
from loyalty.tiers.queries import tier_of
from loyalty.tiers.rules import InvalidGrowth, Policy, Tier
from loyalty.tiers.service import save_tiers, transfer
from tests.factories.members import make_member
from tests.factories.points import events_of
from tests.factories.tiers import (
    ACTOR,
    LADDER,
    calendar_year,
    changes_of,
    evaluate,
    grow,
    growth_of,
    make_ladder,
    rolling,
    take_back,
)


@pytest.fixture(autouse=True)
def _ladder(session: Session, at: datetime) -> None:
    make_ladder(session, at=at)


class TestGrowth:
    def test_parts_add_up_to_the_whole_and_never_to_more(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        grow(session, member.id, 100, at, reference="order:1")

        taken = [take_back(session, member.id, 40, "order:1", at).taken for _ in range(4)]

        assert taken == [40, 40, 20, 0]
        assert session.get_one(MemberTier, member.id, populate_existing=True).growth == 0

    def test_the_same_refund_again_takes_nothing(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        grow(session, member.id, 100, at, reference="order:1")
        take_back(session, member.id, 40, "order:1", at, reference="refund:1")

        again = take_back(session, member.id, 40, "order:1", at, reference="refund:1")

        assert (again.taken, again.is_replay, again.growth) == (0, True, 60)

    def test_of_an_order_that_brought_none_takes_none(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        grow(session, member.id, 100, at, reference="order:1")

        assert take_back(session, member.id, 40, "order:2", at).taken == 0
        assert growth_of(session, member.id) == [100]

    def test_refuses_growth_nobody_can_have_meant(self, session: Session, at: datetime) -> None:
        with pytest.raises(InvalidGrowth):
            take_back(session, make_member(session).id, -1, "order:1", at)

    @pytest.mark.parametrize("policy", [rolling(12), calendar_year()], ids=["rolling", "calendar"])
    def test_leaves_the_period_it_was_counted_in(self, session: Session, at: datetime, policy: Policy) -> None:
        make_ladder(session, policy=policy, at=at)
        member, next_year = make_member(session), at + timedelta(days=400)
        grow(session, member.id, 100, at, reference="order:1")
        grow(session, member.id, 30, next_year, reference="order:2")

        take_back(session, member.id, 100, "order:1", next_year)

        assert tier_of(session, member_id=member.id, at=next_year).growth == 30

    def test_is_found_again_after_a_merge(self, session: Session, at: datetime) -> None:
        merged, survivor = make_member(session), make_member(session)
        grow(session, merged.id, 100, at, reference="order:1")
        take_back(session, merged.id, 30, "order:1", at)
        transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=at)
        merged.status, merged.merged_into_id = "merged", survivor.id

        assert take_back(session, survivor.id, 100, "order:1", at).taken == 70
        assert tier_of(session, member_id=survivor.id, at=at).growth == 0


class TestLevel:
    def test_that_the_refunded_growth_alone_had_reached_goes_at_once(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        grow(session, member.id, 600, at, reference="order:1")

        after = take_back(session, member.id, 200, "order:1", at)

        assert (after.growth, after.level) == (400, 1)
        assert changes_of(session, member.id) == [("promoted", 1, 2), ("refunded", 2, 1)]
        assert [kind for kind, _payload in events_of(session, member.id)] == ["tier.promoted", "tier.demoted"]

    @pytest.mark.parametrize("order", list(permutations(["order:1", "order:2", "order:3"])))
    @pytest.mark.parametrize("policy", [Policy(), rolling(), calendar_year()], ids=["for ever", "rolling", "calendar"])
    def test_is_as_if_never_anything_had_been_bought_once_all_is_refunded(
        self, session: Session, at: datetime, policy: Policy, order: tuple[str, ...]
    ) -> None:
        make_ladder(session, policy=policy, at=at)
        member = make_member(session)
        for number, growth in enumerate((500, 1_000, 1_500), start=1):
            grow(session, member.id, growth, at + timedelta(days=number), reference=f"order:{number}")

        for of in order:
            take_back(session, member.id, 9_999, of, at + timedelta(days=10))

        view = tier_of(session, member_id=member.id, at=at)
        assert (view.growth, view.level) == (0, 1)

    def test_held_before_the_period_waits_for_the_evaluation(self, session: Session, at: datetime) -> None:
        make_ladder(session, policy=rolling(12), at=at)
        member, later = make_member(session), at + timedelta(days=400)
        grow(session, member.id, 600, at, reference="order:1")
        grow(session, member.id, 2_500, later, reference="order:2")

        after = take_back(session, member.id, 2_500, "order:2", later + timedelta(days=1))

        assert after.level == 2
        (page,) = evaluate(session, later + timedelta(days=1))
        assert page.verdicts == {"begin_grace": 1}

    def test_lost_by_a_steeper_ladder_keeps_its_grace_when_something_small_is_refunded(
        self, session: Session, at: datetime
    ) -> None:
        member = make_member(session)
        grow(session, member.id, 600, at, reference="order:1")
        save_tiers(session, tiers=[LADDER[0], Tier(2, "银卡会员", 5_000)], actor=ACTOR, at=at)

        assert take_back(session, member.id, 10, "order:1", at).level == 2

    def test_that_the_rest_still_reaches_stays(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        grow(session, member.id, 2_600, at, reference="order:1")

        assert take_back(session, member.id, 100, "order:1", at).level == 3
        assert take_back(session, member.id, 1_000, "order:1", at).level == 2
