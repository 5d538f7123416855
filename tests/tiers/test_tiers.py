from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.tiers import service
from loyalty.tiers.models import MemberTier
from loyalty.tiers.queries import TierView, list_tiers, tier_of
from loyalty.tiers.rules import DEFAULT_TIERS, InvalidGrowth, InvalidTiers, Tier
from tests.factories.members import make_member
from tests.factories.points import events_of
from tests.support.statements import StatementCounter

ACTOR = Actor("staff:1", "10.0.0.1", "r1")


@pytest.fixture
def ladder(session: Session, at: datetime) -> Sequence[Tier]:
    service.save_tiers(session, tiers=DEFAULT_TIERS, actor=ACTOR, at=at)
    return DEFAULT_TIERS


class TestSaveTiers:
    def test_puts_a_ladder_in_place_and_says_who_did(self, session: Session, at: datetime) -> None:
        service.save_tiers(session, tiers=DEFAULT_TIERS, actor=ACTOR, at=at)
        service.save_tiers(session, tiers=DEFAULT_TIERS[:2], actor=ACTOR, at=at)

        entry = audit.list_entries(session, subject="tiers")[0]
        assert list_tiers(session) == list(DEFAULT_TIERS[:2])
        assert (len(entry.before["tiers"]), len(entry.after["tiers"])) == (4, 2)

    @pytest.mark.parametrize(
        "tiers",
        [
            [],
            [Tier(1, "普通", 10)],
            [Tier(2, "普通", 0)],
            [Tier(1, "普通", 0), Tier(1, "银卡", 5)],
            [Tier(1, "普通", 0), Tier(2, "银卡", 0)],
            [Tier(1, "普通", 0), Tier(2, "银卡", 9), Tier(3, "金卡", 5)],
            [Tier(1, "普通", 0), Tier(2, "普通", 5)],
            [Tier(1, " ", 0)],
            [Tier(1, "名" * 21, 0)],
            [Tier(1, "普通", 0), Tier(2, "银卡", 10**12)],
        ],
    )
    def test_refuses_a_ladder_on_which_some_growth_has_no_level_or_two(
        self, session: Session, at: datetime, tiers: list[Tier]
    ) -> None:
        with pytest.raises(InvalidTiers):
            service.save_tiers(session, tiers=tiers, actor=ACTOR, at=at)


@pytest.mark.usefixtures("ladder")
class TestReview:
    def test_adds_growth_and_promotes_at_once(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        service.review(session, member_id=member.id, growth=499, reference="order:1", at=at)

        review = service.review(session, member_id=member.id, growth=1, reference="order:2", at=at)

        assert (review.growth, review.level, review.is_promoted) == (500, 2, True)
        assert session.get_one(MemberTier, member.id).since_at == at
        ((kind, payload),) = events_of(session, member.id)
        assert kind == "tier.promoted"
        assert (payload["from_level"], payload["to_level"], payload["cause"]) == (1, 2, "promoted")

    def test_can_climb_several_steps_at_once(self, session: Session, at: datetime) -> None:
        member = make_member(session)

        review = service.review(session, member_id=member.id, growth=10_000, reference="order:1", at=at)

        assert (review.level, review.is_promoted) == (4, True)

    def test_of_a_known_reference_adds_nothing(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        service.review(session, member_id=member.id, growth=600, reference="order:1", at=at)

        again = service.review(session, member_id=member.id, growth=600, reference="order:1", at=at)

        assert (again.is_replay, again.growth, again.level, again.is_promoted) == (True, 600, 2, False)
        assert len(events_of(session, member.id)) == 1

    def test_never_lowers_a_level_when_the_ladder_asks_for_more(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        service.review(session, member_id=member.id, growth=600, reference="order:1", at=at)
        steeper = [Tier(1, "普通会员", 0), Tier(2, "银卡会员", 5_000)]
        service.save_tiers(session, tiers=steeper, actor=ACTOR, at=at)

        review = service.review(session, member_id=member.id, growth=1, reference="order:2", at=at)

        assert (review.growth, review.level) == (601, 2)

    @pytest.mark.parametrize("growth", [-1, 10**12])
    def test_refuses_growth_nobody_can_have_meant(self, session: Session, at: datetime, growth: int) -> None:
        with pytest.raises(InvalidGrowth):
            service.review(session, member_id=make_member(session).id, growth=growth, reference="order:1", at=at)

    def test_of_nothing_changes_nothing(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        service.review(session, member_id=member.id, growth=600, reference="order:1", at=at)

        review = service.review(session, member_id=member.id, growth=0, reference="order:2", at=at)

        assert (review.growth, review.level, review.is_promoted) == (600, 2, False)


class TestTierOf:
    @pytest.mark.usefixtures("ladder")
    def test_tells_the_level_and_what_the_next_needs(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        service.review(session, member_id=member.id, growth=600, reference="order:1", at=at)

        assert tier_of(session, member_id=member.id, at=at) == TierView("银卡会员", 2, 600, "金卡会员", 2_000)

    @pytest.mark.usefixtures("ladder")
    def test_of_a_newcomer_is_the_lowest(self, session: Session, at: datetime) -> None:
        assert tier_of(session, member_id=make_member(session).id, at=at) == TierView("普通会员", 1, 0, "银卡会员", 500)

    @pytest.mark.usefixtures("ladder")
    def test_at_the_top_names_no_next_one(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        service.review(session, member_id=member.id, growth=20_000, reference="order:1", at=at)

        assert tier_of(session, member_id=member.id, at=at) == TierView("黑金会员", 4, 20_000, None, None)

    def test_without_any_ladder_is_just_a_member(self, session: Session, at: datetime) -> None:
        assert tier_of(session, member_id=make_member(session).id, at=at) == TierView("会员", 0, 0, None, None)

    @pytest.mark.usefixtures("ladder")
    def test_is_one_statement(self, session: Session, statements: StatementCounter, at: datetime) -> None:
        member = make_member(session)
        statements.clear()

        tier_of(session, member_id=member.id, at=at)

        assert statements.count == 1


@pytest.mark.usefixtures("ladder")
class TestTransfer:
    def test_adds_up_the_growth_and_promotes_the_survivor(self, session: Session, at: datetime) -> None:
        merged, survivor = make_member(session), make_member(session)
        service.review(session, member_id=merged.id, growth=300, reference="order:1", at=at)
        service.review(session, member_id=survivor.id, growth=200, reference="order:1", at=at)

        for _ in range(2):
            service.transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=at)

        assert tier_of(session, member_id=survivor.id, at=at).growth == 500
        assert tier_of(session, member_id=survivor.id, at=at).level == 2
        assert tier_of(session, member_id=merged.id, at=at).growth == 0

    def test_leaves_the_survivor_the_higher_level(self, session: Session, at: datetime) -> None:
        merged, survivor = make_member(session), make_member(session)
        service.review(session, member_id=merged.id, growth=2_500, reference="order:1", at=at)
        steeper = [Tier(1, "普通会员", 0), Tier(2, "银卡会员", 5_000), Tier(3, "金卡会员", 9_000)]
        service.save_tiers(session, tiers=steeper, actor=ACTOR, at=at)

        review = service.transfer(
            session,
            from_member_id=merged.id,
            to_member_id=survivor.id,
            reference="merge:1",
            at=at + timedelta(days=1),
        )

        assert (review.growth, review.level) == (2_500, 3)
        assert tier_of(session, member_id=survivor.id, at=at).name == "金卡会员"

    def test_of_two_without_growth_changes_nothing(self, session: Session, at: datetime) -> None:
        merged, survivor = make_member(session), make_member(session)

        service.transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=at)

        assert tier_of(session, member_id=survivor.id, at=at).level == 1
