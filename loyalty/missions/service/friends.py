"""Friends (邀请任务): an invitation counts once it was rewarded, for as long as it stands."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.missions.rules.terms import MissionEvent
from loyalty.missions.service.counting import Happening, count
from loyalty.referrals.queries.referrals import get_referral
from loyalty.referrals.rules.states import ReferralState


def count_friend(session: Session, *, vault: Vault, referral_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Count an invitation as it stands now for whoever invited, after its reward or its end; again, nothing changes.

    A friend who came by the link of a mission counts for that one, any other for each that runs.

    Raises:
        ReferralNotFound: there is none with this id.
    """
    referral = get_referral(session, referral_id=referral_id)
    happening = Happening(
        event=MissionEvent.INVITED_FRIEND,
        member_id=referral.referrer_id,
        reference=f"referral:{referral.id}",
        occurred_at=min(referral.came_at, at),
        is_reversed=referral.state is ReferralState.REVERSED,
        mission_id=referral.mission_id,
    )
    count(session, vault=vault, happening=happening, at=at, zone=zone)
