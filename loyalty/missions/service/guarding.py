"""Guarding (发放前的检查): what the switches of the channels and risk say before a reward is paid.

Risk is asked once for a step of a period, however often it is reached; what it said of a member who was merged
goes on to hold.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Text, cast, literal, select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.queries import family_ids, family_of
from loyalty.missions.models import MissionCount
from loyalty.missions.rules.errors import MissionChannelOff, MissionRewardHeld, MissionRewardRefused
from loyalty.missions.rules.terms import MissionEvent
from loyalty.missions.running import Running
from loyalty.missions.service.paying import Place
from loyalty.missions.service.reckoning import progress_by_rows
from loyalty.referrals.models import Referral, ShareSwitch
from loyalty.risk.models import RiskDecision
from loyalty.risk.rules.subjects import DecisionState, Occasion, Subject, Verdict, verdict_now
from loyalty.risk.service import assess


def check_allowed(
    session: Session,
    *,
    vault: Vault,
    mission: Running,
    place: Place,
    target: int,
    at: datetime,
    subject: Subject | None = None,
) -> None:
    """Refuse to pay what comes by a channel that is off, and what risk does not let go.

    What risk said is written: a caller that is refused must not roll back.

    Raises:
        MissionChannelOff: without the friends of channels that are off the step is not reached.
        MissionRewardHeld: somebody has to look at it first.
        MissionRewardRefused: a rule or a person refused it, or the member is on the blocklist.
    """
    if mission.terms.event is MissionEvent.INVITED_FRIEND and _friends_on(session, mission, place) < target:
        raise MissionChannelOff
    verdict = _verdict(session, vault, place, target, subject or Subject(place.member_id), at)
    if verdict is Verdict.REVIEW:
        raise MissionRewardHeld
    if verdict is Verdict.DENY:
        raise MissionRewardRefused


def reference_of(place: Place, target: int) -> str:
    """Return the name by which risk knows a reward."""
    return f"mission:{place.mission_id}:{place.member_id}:{place.period}:{target}"


def named_by(reference: str) -> tuple[Place, int]:
    """Return what a reference names."""
    _mission, mission_id, member_id, period, target = reference.split(":")
    return Place(int(member_id), int(mission_id), period), int(target)


def _friends_on(session: Session, mission: Running, place: Place) -> int:
    """Return how far the member is by the friends of channels that are on."""
    by_channels_off = (
        select(literal("referral:").concat(cast(Referral.id, Text)))
        .join(ShareSwitch, ShareSwitch.channel == Referral.channel)
        .where(~ShareSwitch.is_on, Referral.referrer_id.in_(family_ids(place.member_id)))
    )
    is_wanted = MissionCount.reference.not_in(by_channels_off)
    return progress_by_rows(session, place=place, measure=mission.terms.measure, is_wanted=is_wanted)


def _verdict(session: Session, vault: Vault, place: Place, target: int, subject: Subject, at: datetime) -> Verdict:
    family = family_of(session, member_id=place.member_id)
    if len(family) > 1:
        references = [reference_of(replace(place, member_id=one), target) for one in family]
        known = session.scalars(
            select(RiskDecision.state).where(
                RiskDecision.occasion == Occasion.MISSION, RiskDecision.reference.in_(references)
            )
        ).all()
        if known:
            return max((verdict_now(DecisionState(state)) for state in known), key=list(Verdict).index)
    decision = assess(
        session,
        vault=vault,
        occasion=Occasion.MISSION,
        reference=reference_of(place, target),
        subject=subject,
        facts={},
        at=at,
    )
    return decision.verdict
