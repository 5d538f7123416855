"""Risk, the blocklist and the switches of the channels have their say before a reward is paid."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.gateways.answers import RiskRank
from loyalty.merging.service import merge
from loyalty.missions.queries import StepView
from loyalty.missions.rules.errors import MissionChannelOff, MissionRewardHeld, MissionRewardRefused
from loyalty.missions.rules.standing import StepState
from loyalty.missions.rules.terms import MissionEvent, Period
from loyalty.missions.service import count_friend, follow_release, follow_reversal
from loyalty.missions.service.missions import pause
from loyalty.points.models import PointsAccount
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service.switches import turn_off, turn_on
from loyalty.risk.queries.decisions import DecisionView, list_decisions
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.rules.subjects import DecisionState, Occasion, Subject
from loyalty.risk.service import block, note_sighting, release, reverse
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_member
from tests.factories.missions import ACTOR, claim, do, make_mission, mission_of, seen, steps
from tests.factories.points import assert_books_fit
from tests.factories.referrals import WAITED, invite, make_sharer, publish, referral_of, settle
from tests.support.settings import VAULT

MONTH = timedelta(days=30)


@pytest.fixture
def member_id(session: Session) -> int:
    return make_member(session).id


def judged_by_wechat(session: Session, member_id: int, rank: RiskRank, at: datetime) -> None:
    subject = Subject(member_id, wechat_rank=rank)
    note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=subject, at=at)


def worth_of(session: Session, member_id: int) -> int:
    """Points less what is owed; nothing without an account."""
    worth = select(PointsAccount.balance - PointsAccount.debt).where(PointsAccount.member_id == member_id)
    return session.scalar(worth) or 0


def decisions(session: Session) -> list[DecisionView]:
    return list(list_decisions(session, occasion=Occasion.MISSION).items)


def let_go(session: Session, at: datetime) -> None:
    """A person releases the one decision, and it is told twice."""
    (view,) = decisions(session)
    release(session, decision_id=view.id, reason="已核实", actor=ACTOR, at=at)
    for _ in range(2):
        follow_release(session, vault=VAULT, reference=view.reference, at=at, zone=SHANGHAI)


def undo(session: Session, at: datetime) -> None:
    """A person reverses the one decision, and it is told twice."""
    (view,) = decisions(session)
    reverse(session, decision_id=view.id, reason="作弊", actor=ACTOR, at=at)
    for _ in range(2):
        follow_reversal(session, reference=view.reference, at=at, zone=SHANGHAI)


def step_of(session: Session, member_id: int, mission_id: int, at: datetime) -> StepView:
    (step,) = seen(session, member_id, mission_id, at).steps
    return step


class TestRisk:
    def test_keeps_a_reward_from_who_is_blocked_and_tells_them(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session)
        target = Target(BlockKind.MEMBER, str(member_id))
        block(session, vault=VAULT, target=target, reason="羊毛党", expires_at=None, actor=ACTOR, at=at)

        do(session, member_id, at)

        step = step_of(session, member_id, mission_id, at)
        assert (step.state, step.refusal) == (StepState.REFUSED, "未通过安全校验，如有疑问请联系客服")
        assert worth_of(session, member_id) == 0
        with pytest.raises(MissionRewardRefused):
            claim(session, member_id, mission_id, at)

    def test_is_asked_once_for_a_reward_and_what_it_holds_is_paid_once_when_a_person_lets_it_go(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session)
        judged_by_wechat(session, member_id, RiskRank.UNKNOWN, at)
        for _ in range(3):
            do(session, member_id, at)
        step = step_of(session, member_id, mission_id, at)
        assert (step.state, step.refusal) == (StepState.WAITING, "奖励审核中，通过后自动到账")
        assert worth_of(session, member_id) == 0

        let_go(session, at)

        assert worth_of(session, member_id) == 10
        assert step_of(session, member_id, mission_id, at).state is StepState.PAID

    def test_holds_a_claim_whose_reward_comes_by_itself_however_late_it_is_let_go(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session, is_claimed_by_hand=True, period=Period.DAILY)
        judged_by_wechat(session, member_id, RiskRank.UNKNOWN, at)
        do(session, member_id, at)
        for _ in range(2):
            with pytest.raises(MissionRewardHeld):
                claim(session, member_id, mission_id, at, period="2026-03-10")
        assert [view.state for view in decisions(session)] == [DecisionState.WAITING]

        let_go(session, at + MONTH)

        assert worth_of(session, member_id) == 10

    def test_is_not_asked_about_what_nobody_has_claimed_or_reached(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        make_mission(session, is_claimed_by_hand=True)
        make_mission(session, steps=steps((9, 5)))

        do(session, member_id, at)

        assert decisions(session) == []

    def test_waits_with_what_a_person_let_go_while_the_mission_is_paused(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session)
        judged_by_wechat(session, member_id, RiskRank.UNKNOWN, at)
        do(session, member_id, at)
        pause(session, mission_id=mission_id, actor=ACTOR, at=at)

        let_go(session, at)

        step = step_of(session, member_id, mission_id, at)
        assert (step.refusal, worth_of(session, member_id)) == ("奖励暂停发放，恢复后可以领取", 0)

    def test_takes_a_reward_back_that_a_person_reverses_and_never_pays_it_again(
        self, session: Session, member_id: int, at: datetime
    ) -> None:
        mission_id = make_mission(session)
        do(session, member_id, at)
        assert worth_of(session, member_id) == 10

        undo(session, at)

        do(session, member_id, at)
        with pytest.raises(MissionRewardRefused):
            claim(session, member_id, mission_id, at)
        assert worth_of(session, member_id) == 0
        assert step_of(session, member_id, mission_id, at).state is StepState.REFUSED
        assert_books_fit(session, member_id)

    def test_holds_for_whoever_the_member_was_merged_into(self, session: Session, member_id: int, at: datetime) -> None:
        mission_id, survivor_id = make_mission(session), make_member(session).id
        do(session, member_id, at)
        merge(session, survivor_id=survivor_id, other_id=member_id, actor=ACTOR, at=at)
        assert worth_of(session, survivor_id) == 10

        undo(session, at)

        do(session, survivor_id, at)
        with pytest.raises(MissionRewardRefused):
            claim(session, survivor_id, mission_id, at)
        assert worth_of(session, survivor_id) == 0


class TestAChannelThatIsOff:
    def test_keeps_its_friends_from_being_claimed_until_it_is_on_again(self, session: Session, at: datetime) -> None:
        publish(session, at=at)
        terms = mission_of(event=MissionEvent.INVITED_FRIEND, steps=steps((2, 7)), is_claimed_by_hand=True)
        mission_id, sharer = make_mission(session, terms), make_sharer(session)
        for channel in (Channel.POSTER, Channel.MINI_PROGRAM):
            friend = referral_of(session, invite(session, sharer, channel=channel, at=at).id)
            settle(session, friend.id, at=at + WAITED)
            count_friend(session, vault=VAULT, referral_id=friend.id, at=at + WAITED, zone=SHANGHAI)
        invited = worth_of(session, sharer.id)
        turn_off(session, channel=Channel.POSTER, reason="微信警告", actor=ACTOR, at=at)

        with pytest.raises(MissionChannelOff):
            claim(session, sharer.id, mission_id, at + WAITED, step=2)

        turn_on(session, channel=Channel.POSTER, reason="已解除", actor=ACTOR, at=at)
        claim(session, sharer.id, mission_id, at + WAITED, step=2)
        assert worth_of(session, sharer.id) == invited + 7
