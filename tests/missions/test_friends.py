"""What a member shares for a mission, and for which missions the friends who come by it count."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.errors import LoyaltyError
from loyalty.members.models import Member
from loyalty.missions import service
from loyalty.missions.rules.errors import MissionNotFound, MissionNotShareable
from loyalty.missions.rules.terms import MissionEvent
from loyalty.missions.service.missions import stop
from loyalty.referrals.rules.sharing import Channel, ReferralsNotOpen
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_member
from tests.factories.missions import ACTOR, make_mission, progress_of, steps
from tests.factories.referrals import (
    WAITED,
    attribute,
    enrol,
    link_of,
    make_visitor,
    open_by,
    publish,
    referral_of,
    settle,
)
from tests.support.settings import VAULT


def make_invite_mission(session: Session) -> int:
    return make_mission(session, event=MissionEvent.INVITED_FRIEND, steps=steps((9, 5)))


def share(session: Session, member: Member, mission_id: int | None, at: datetime) -> str:
    return service.share(
        session, member_id=member.id, channel=Channel.MINI_PROGRAM, mission_id=mission_id, at=at
    ).token  # fmt: skip


def bring_friend(session: Session, token: str, at: datetime) -> None:
    """A friend who opens a share, enrols and is rewarded, as the handlers let it happen."""
    friend = make_visitor(session)
    open_by(session, friend, token, at=at)
    member = enrol(session, friend, at=at)
    attribute(session, member, at)
    referral_id = referral_of(session, member.id).id
    settle(session, referral_id, at=at + WAITED)
    for _ in range(2):
        service.count_friend(session, vault=VAULT, referral_id=referral_id, at=at + WAITED, zone=SHANGHAI)


class TestSharing:
    @pytest.fixture
    def member(self, session: Session) -> Member:
        publish(session)
        return make_member(session)

    def test_is_the_same_again_and_another_for_each_mission(
        self, session: Session, member: Member, at: datetime
    ) -> None:
        missions = [make_invite_mission(session) for _ in range(2)]
        first, second = (share(session, member, mission_id, at) for mission_id in missions)

        assert share(session, member, missions[0], at) == first
        assert len({first, second, share(session, member, None, at)}) == 3

    def test_is_refused_for_what_is_no_running_mission_of_friends(
        self, session: Session, member: Member, at: datetime
    ) -> None:
        ended, stopped = (
            make_mission(session, event=MissionEvent.INVITED_FRIEND, ends_at=at), make_invite_mission(session)
        )  # fmt: skip
        stop(session, mission_id=stopped, actor=ACTOR, at=at)
        refusals: dict[int, type[LoyaltyError]] = {
            make_mission(session): MissionNotShareable,
            ended: MissionNotShareable,
            stopped: MissionNotShareable,
            2**40: MissionNotFound,
        }

        for mission_id, refusal in refusals.items():
            with pytest.raises(refusal):
                share(session, member, mission_id, at)

    def test_is_refused_without_a_programme_since_nobody_would_count(
        self, session: Session, member: Member, at: datetime
    ) -> None:
        mission_id = make_invite_mission(session)
        publish(session, is_open=False)

        with pytest.raises(ReferralsNotOpen):
            share(session, member, mission_id, at)


def test_a_friend_counts_for_the_mission_they_were_invited_for_and_any_other_for_each(
    session: Session, at: datetime
) -> None:
    publish(session)
    member = make_member(session)
    own, other = make_invite_mission(session), make_invite_mission(session)

    bring_friend(session, share(session, member, own, at), at)
    bring_friend(session, link_of(session, member.id), at + timedelta(hours=1))

    later = at + timedelta(days=2)
    assert [progress_of(session, member.id, mission_id, later) for mission_id in (own, other)] == [2, 1]
