"""Sharing for a mission (任务邀请): a friend who comes by a mission's own link counts for that mission."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.missions.rules.errors import MissionNotShareable
from loyalty.missions.rules.terms import MissionEvent
from loyalty.missions.running import get_published
from loyalty.referrals.queries.shares import ShareTokenView
from loyalty.referrals.rules.sharing import Channel, Purpose
from loyalty.referrals.service.sharing import mint


def share(
    session: Session, *, member_id: int, channel: Channel, mission_id: int | None, at: datetime
) -> ShareTokenView:
    """Return what a member may share by a channel (分享), for a mission or for the referral programme alone.

    Raises:
        MissionNotFound: no such mission was published.
        MissionNotShareable: friends do not count for it, or not now.
        ChannelOff: the channel is switched off.
        ReferralsNotOpen: no programme takes invitations, by which friends of missions are looked at too.
        MemberNotFound, MemberGone, MemberProvisional: the member cannot invite.
    """
    if mission_id is None:
        return mint(session, member_id=member_id, channel=channel, purpose=Purpose.REFERRAL, at=at)
    mission = get_published(session, mission_id=mission_id)
    if mission.terms.event is not MissionEvent.INVITED_FRIEND or not mission.covers(at):
        raise MissionNotShareable(mission_id=mission_id)
    return mint(session, member_id=member_id, channel=channel, purpose=Purpose.MISSION, mission_id=mission_id, at=at)
