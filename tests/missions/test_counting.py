"""What counts for missions: once, in its period, for whom and when; and what is paid for it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.members.rules.members import MemberStatus
from loyalty.missions.models import MissionCount, MissionRevision
from loyalty.missions.rules.counting import MissReason
from loyalty.missions.rules.documents import to_json
from loyalty.missions.rules.standing import StepState
from loyalty.missions.rules.terms import Limits, Measure, MissionEvent, Period
from loyalty.missions.service.missions import pause, publish, resume, save_draft, stop
from loyalty.points.statement.entries import list_entries
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_member
from tests.factories.missions import ACTOR, OPENED, claim, do, make_mission, mission_of, progress_of, seen, steps
from tests.factories.points import balance_of
from tests.factories.tiers import make_ladder

DAY = timedelta(days=1)


def wall(text: str) -> datetime:
    """An instant by the clock on the wall in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


class TestAnEvent:
    def test_counts_once_however_often_it_is_told_and_pays_at_once(self, session: Session, at: datetime) -> None:
        member_id, mission_id = make_member(session).id, make_mission(session, steps=steps((2, 10)))

        for _ in range(3):
            do(session, member_id, at, reference="review:1")

        assert (progress_of(session, member_id, mission_id, at), balance_of(session, member_id)) == (1, 0)
        do(session, member_id, at, reference="review:2")
        do(session, member_id, at, reference="review:2")
        assert balance_of(session, member_id) == 10
        (entry,) = list_entries(session, member_id=member_id).items
        assert entry.reason == "完成任务「评价有礼」，奖励10积分"

    def test_counts_in_any_order_and_late_for_the_days_on_which_it_happened(
        self, session: Session, at: datetime
    ) -> None:
        member_id = make_member(session).id
        mission_id = make_mission(session, measure=Measure.STREAK, steps=steps((3, 10)))

        for days_ago in (0, 2, 1):
            do(session, member_id, at - days_ago * DAY, told_at=at)

        assert progress_of(session, member_id, mission_id, at) == 3
        assert balance_of(session, member_id) == 10

    @pytest.mark.parametrize(
        ("period", "first", "second", "together"),
        [
            (Period.DAILY, "2026-03-10T23:59:59", "2026-03-11T00:00:00", False),
            (Period.DAILY, "2026-03-10T00:00:00", "2026-03-10T23:59:59", True),
            (Period.WEEKLY, "2026-03-15T23:59:59", "2026-03-16T00:00:00", False),
            (Period.WEEKLY, "2026-03-30T00:00:00", "2026-04-05T23:59:59", True),
            (Period.WEEKLY, "2026-12-31T12:00:00", "2027-01-03T12:00:00", True),
        ],
        ids=["midnight", "same day", "week's end", "over a month", "over a year"],
    )
    def test_counts_for_the_period_of_the_programmes_zone(
        self, session: Session, period: Period, first: str, second: str, together: bool
    ) -> None:
        member_id, mission_id = make_member(session).id, make_mission(session, period=period, steps=steps((9, 1)))

        for instant in (first, second):
            do(session, member_id, wall(instant))

        assert progress_of(session, member_id, mission_id, wall(second)) == (2 if together else 1)

    def test_of_one_period_is_paid_beside_that_of_another(self, session: Session, at: datetime) -> None:
        member_id = make_member(session).id
        make_mission(session, period=Period.DAILY)

        for offset in (0, 0, 1):
            do(session, member_id, at + offset * DAY)

        assert balance_of(session, member_id) == 20

    def test_before_the_mission_or_after_it_or_of_another_kind_counts_nothing(
        self, session: Session, at: datetime
    ) -> None:
        member_id = make_member(session).id
        terms = mission_of(event=MissionEvent.CUSTOM, custom_kind="class_attended", starts_at=at, ends_at=at + DAY)
        mission_id = make_mission(session, terms)

        for instant, kind in ((at - DAY / 24, "class_attended"), (at + DAY, "class_attended"), (at, "book_borrowed")):
            do(session, member_id, instant, event=MissionEvent.CUSTOM, custom_kind=kind)

        assert progress_of(session, member_id, mission_id, at) == 0
        do(session, member_id, at, event=MissionEvent.CUSTOM, custom_kind="class_attended", told_at=at + 3 * DAY)
        assert balance_of(session, member_id) == 10

    def test_of_before_the_first_publication_never_counts(self, session: Session, at: datetime) -> None:
        member_id, mission_id = make_member(session).id, make_mission(session, at=at)

        do(session, member_id, at - timedelta(seconds=1), told_at=at)

        assert progress_of(session, member_id, mission_id, at) == 0

    def test_of_another_tier_does_not_count_and_it_is_kept_why(self, session: Session, at: datetime) -> None:
        make_ladder(session, at=OPENED)
        member_id = make_member(session).id
        mission_id = make_mission(session, tier_levels=frozenset({2}))

        do(session, member_id, at)

        view = seen(session, member_id, mission_id, at)
        assert (view.progress, view.is_for_member) == (0, False)
        missed = session.scalars(select(MissionCount.missed).where(MissionCount.mission_id == mission_id)).all()
        assert missed == [MissReason.TIER]

    def test_of_a_closed_member_counts_nothing(self, session: Session, at: datetime) -> None:
        member_id = make_member(session, phone=None, status=MemberStatus.CLOSED).id
        make_mission(session)

        do(session, member_id, at)

        assert session.scalars(select(MissionCount.reference).where(MissionCount.member_id == member_id)).all() == []

    def test_pays_each_step_that_it_reaches_once(self, session: Session, at: datetime) -> None:
        member_id, mission_id = make_member(session).id, make_mission(session, steps=steps((1, 1), (2, 10), (3, 100)))

        paid = []
        for _ in range(4):
            do(session, member_id, at)
            paid.append(balance_of(session, member_id))

        assert paid == [1, 11, 111, 111]
        assert {step.state for step in seen(session, member_id, mission_id, at).steps} == {StepState.PAID}


class TestAChangedMission:
    def test_goes_on_where_members_are_and_pays_by_what_it_says_now(self, session: Session, at: datetime) -> None:
        member_id, mission_id = make_member(session).id, make_mission(session, steps=steps((1, 10), (3, 30)))
        do(session, member_id, at)
        terms = mission_of(steps=steps((1, 99), (2, 20)))
        save_draft(session, mission_id=mission_id, terms=terms, actor=ACTOR, zone=SHANGHAI, at=at)

        publish(session, mission_id=mission_id, actor=ACTOR, zone=SHANGHAI, at=at)
        do(session, member_id, at)

        assert balance_of(session, member_id) == 10 + 20

    def test_is_checked_again_when_it_is_published(self, session: Session, at: datetime) -> None:
        mission_id = make_mission(session)
        draft_id = save_draft(session, mission_id=mission_id, terms=mission_of(), actor=ACTOR, zone=SHANGHAI, at=at)
        stale = to_json(mission_of(title="转发得积分"))  # saved before such a text was refused
        session.execute(update(MissionRevision).where(MissionRevision.id == draft_id).values(terms=stale))

        with pytest.raises(ValueForFollowingOrSharing):
            publish(session, mission_id=mission_id, actor=ACTOR, zone=SHANGHAI, at=at)

    def test_that_is_paused_counts_and_pays_by_hand_after_it(self, session: Session, at: datetime) -> None:
        member_id, mission_id = make_member(session).id, make_mission(session)
        pause(session, mission_id=mission_id, actor=ACTOR, at=OPENED)

        do(session, member_id, at)

        (step,) = seen(session, member_id, mission_id, at).steps
        assert (step.state, step.refusal, balance_of(session, member_id)) == (
            StepState.WAITING,
            "奖励暂停发放，恢复后可以领取",
            0,
        )
        resume(session, mission_id=mission_id, actor=ACTOR, at=at)
        claim(session, member_id, mission_id, at)
        (step,) = seen(session, member_id, mission_id, at).steps
        assert (step.state, step.refusal, balance_of(session, member_id)) == (StepState.PAID, None, 10)

    def test_that_is_stopped_counts_only_what_happened_before(self, session: Session, at: datetime) -> None:
        member_id, mission_id = make_member(session).id, make_mission(session, steps=steps((1, 10), (2, 20)))
        stop(session, mission_id=mission_id, actor=ACTOR, at=at)

        do(session, member_id, at + DAY)
        do(session, member_id, at - DAY, told_at=at + DAY)

        assert balance_of(session, member_id) == 10


class TestLimits:
    def test_of_points_stop_the_next_reward_and_tell_the_member(self, session: Session, at: datetime) -> None:
        first, second = make_member(session).id, make_member(session).id
        mission_id = make_mission(session, limits=Limits(points_budget=15))

        for member_id in (first, second):
            do(session, member_id, at)

        assert (balance_of(session, first), balance_of(session, second)) == (10, 0)
        (step,) = seen(session, second, mission_id, at).steps
        assert (step.state, step.refusal) == (StepState.CLAIMABLE, "奖励已发完")

    def test_of_rewards_stop_the_next_reward(self, session: Session, at: datetime) -> None:
        first, second = make_member(session).id, make_member(session).id
        make_mission(session, limits=Limits(rewards_budget=1))

        for member_id in (first, second):
            do(session, member_id, at)

        assert (balance_of(session, first), balance_of(session, second)) == (10, 0)

    def test_of_a_member_hold_over_all_periods(self, session: Session, at: datetime) -> None:
        member_id = make_member(session).id
        mission_id = make_mission(session, period=Period.DAILY, limits=Limits(member_rewards=2))

        for offset in range(3):
            do(session, member_id, at + offset * DAY)

        assert balance_of(session, member_id) == 20
        (step,) = seen(session, member_id, mission_id, at + 2 * DAY).steps
        assert step.refusal == "已达到每人可得的奖励次数"
