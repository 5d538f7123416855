"""Claiming: once, in time, and only what was reached."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.missions.queries import list_missions
from loyalty.missions.rules.errors import (
    MissionBudgetSpent,
    MissionClaimOver,
    MissionMemberLimitReached,
    MissionNotFound,
    MissionPaused,
    MissionRewardClaimed,
    MissionStepNotFound,
    MissionStepNotReached,
)
from loyalty.missions.rules.standing import StepState
from loyalty.missions.rules.terms import Limits, MissionEvent, Period, Terms
from loyalty.missions.service.missions import create_mission, pause
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_member
from tests.factories.missions import ACTOR, OPENED, claim, do, make_mission, mission_of, seen, steps
from tests.factories.points import balance_of

DAY = timedelta(days=1)


def by_hand(**changes: object) -> Terms:
    return mission_of(is_claimed_by_hand=True, **changes)


@pytest.fixture
def member_id(session: Session) -> int:
    return make_member(session).id


class TestAClaim:
    def test_pays_what_was_reached_and_again_under_its_key_is_a_replay(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, by_hand())
        do(session, member_id, at)
        waiting = seen(session, member_id, mission_id, at)

        first = claim(session, member_id, mission_id, at, key="tap-1")
        again = claim(session, member_id, mission_id, at + DAY, key="tap-1")

        assert waiting.has_something_to_claim
        assert (first.reward, first.is_replay) == ({"kind": "points", "points": 10}, False)
        assert (again.is_replay, again.paid_at, balance_of(session, member_id)) == (True, first.paid_at, 10)

    def test_under_another_key_is_refused_with_what_was_paid(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, by_hand())
        do(session, member_id, at)
        claim(session, member_id, mission_id, at)

        with pytest.raises(MissionRewardClaimed) as refused:
            claim(session, member_id, mission_id, at)

        assert refused.value.details["reward"] == {"kind": "points", "points": 10}

    def test_of_another_step_under_the_same_key_is_refused(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, by_hand(steps=steps((1, 10), (2, 20))))
        for _ in range(2):
            do(session, member_id, at)
        claim(session, member_id, mission_id, at, key="tap-1")

        with pytest.raises(IdempotencyKeyReused):
            claim(session, member_id, mission_id, at, step=2, key="tap-1")

    def test_of_what_is_not_reached_or_does_not_exist_is_refused(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, by_hand(steps=steps((2, 10))))
        draft_id = create_mission(session, terms=by_hand(), actor=ACTOR, zone=SHANGHAI, at=OPENED)
        do(session, member_id, at)

        with pytest.raises(MissionStepNotReached) as short:
            claim(session, member_id, mission_id, at, step=2)
        with pytest.raises(MissionStepNotReached):
            claim(session, member_id, mission_id, at, step=2, period="no-such-period")
        with pytest.raises(MissionStepNotFound):
            claim(session, member_id, mission_id, at, step=1)
        for unknown in (draft_id, 10**9):
            with pytest.raises(MissionNotFound):
                claim(session, member_id, unknown, at)
        assert short.value.details == {"progress": 1, "target": 2}

    def test_while_paused_is_refused(self, session: Session, member_id: int, at: datetime) -> None:
        mission_id = make_mission(session, by_hand())
        do(session, member_id, at)
        pause(session, mission_id=mission_id, actor=ACTOR, at=at)

        with pytest.raises(MissionPaused):
            claim(session, member_id, mission_id, at)

    @pytest.mark.parametrize(
        ("limits", "refusal"),
        [
            (Limits(points_budget=15), MissionBudgetSpent),
            (Limits(rewards_budget=1), MissionBudgetSpent),
            (Limits(member_rewards=1), MissionMemberLimitReached),
        ],
    )
    def test_beyond_a_limit_is_refused_and_names_it(
        self, session: Session, member_id: int, at: datetime, limits: Limits, refusal: type[MissionBudgetSpent]
    ) -> None:
        mission_id = make_mission(session, by_hand(period=Period.DAILY, limits=limits))
        periods = ["2026-03-10", "2026-03-11"]
        for offset in range(2):
            do(session, member_id, at + offset * DAY)
        claim(session, member_id, mission_id, at + DAY, period=periods[0])

        with pytest.raises(refusal) as refused:
            claim(session, member_id, mission_id, at + DAY, period=periods[1])

        assert refused.value.details["limit"] in ("points_budget", "rewards_budget", "member_rewards")
        assert balance_of(session, member_id) == 10

    def test_of_an_earlier_day_is_offered_for_a_week_and_no_longer(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, by_hand(period=Period.DAILY))
        do(session, member_id, at)

        def offered(days: int) -> list[tuple[str, StepState]]:
            views = list_missions(session, member_id=member_id, at=at + days * DAY, zone=SHANGHAI)
            return [(view.period, view.steps[0].state) for view in views]

        assert offered(7) == [("2026-03-10", StepState.CLAIMABLE), ("2026-03-17", StepState.OPEN)]
        assert offered(8) == [("2026-03-18", StepState.OPEN)]
        with pytest.raises(MissionClaimOver):
            claim(session, member_id, mission_id, at + 8 * DAY, period="2026-03-10")
        claim(session, member_id, mission_id, at + 7 * DAY, period="2026-03-10")
        assert balance_of(session, member_id) == 10

    def test_of_a_mission_that_has_ended_is_offered_for_a_week(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, by_hand(ends_at=at + DAY))
        do(session, member_id, at)

        assert not seen(session, member_id, mission_id, at + 7 * DAY).is_running
        assert list_missions(session, member_id=member_id, at=at + 9 * DAY, zone=SHANGHAI) == []


class TestTheList:
    def test_leaves_out_what_has_not_begun_and_what_was_done_before_it_began(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        make_mission(session, starts_at=at + DAY)
        make_mission(session, event=MissionEvent.PHONE_BOUND)
        profile = make_mission(session, event=MissionEvent.PROFILE_COMPLETED)

        views = list_missions(session, member_id=member_id, at=at, zone=SHANGHAI)

        assert [view.mission_id for view in views] == [profile]

    def test_shows_what_waits_first_and_progress_in_words(self, session: Session, member_id: int, at: datetime) -> None:
        open_id = make_mission(session, event=MissionEvent.INVITED_FRIEND, steps=steps((3, 1)))
        ready_id = make_mission(session, by_hand(steps=steps((1, 10), (5, 20))))
        do(session, member_id, at)

        ready, still_open = list_missions(session, member_id=member_id, at=at, zone=SHANGHAI)

        assert (ready.mission_id, still_open.mission_id) == (ready_id, open_id)
        assert [(step.progress, step.reward) for step in ready.steps] == [("1/1 次", "10 积分"), ("1/5 次", "20 积分")]
