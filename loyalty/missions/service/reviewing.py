"""What a person said of a reward after risk had looked at it (放行、撤销): paid after all, or taken back for good."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.queries import lock_bearer
from loyalty.missions.rules.errors import MissionPaused, MissionRewardRefused
from loyalty.missions.rules.terms import Step
from loyalty.missions.running import Running, get_published
from loyalty.missions.service.guarding import check_allowed, named_by
from loyalty.missions.service.paying import Place, pay, take_back
from loyalty.missions.service.progress import SURVIVED, forget_refusal, note_refusal, reckon, rewards_standing
from loyalty.points.service.accounts import open_and_lock_account


def follow_release(session: Session, *, vault: Vault, reference: str, at: datetime, zone: ZoneInfo) -> None:
    """Pay a reward that a person let go, also when the days of claiming are over by now; twice pays once.

    What is no longer reached, or reaches a limit, is not paid, and it is kept why.
    """
    held = _hold(session, reference, at)
    if held is None:
        return
    place, target = held
    mission = get_published(session, mission_id=place.mission_id)
    progress = reckon(session, place=place, measure=mission.terms.measure, at=at)
    step = mission.terms.step_at(target)
    forget_refusal(session, place=place, target=target)
    if step is not None and target <= progress and target not in rewards_standing(session, place=place):
        _pay(session, vault, mission, place, step, at, zone)


def follow_reversal(session: Session, *, reference: str, at: datetime, zone: ZoneInfo) -> None:
    """Take back what a reward gave that a person found to be fraud, and never pay it again."""
    held = _hold(session, reference, at)
    if held is None:
        return
    place, target = held
    terms = get_published(session, mission_id=place.mission_id).terms
    reckon(session, place=place, measure=terms.measure, at=at)
    paid = rewards_standing(session, place=place).get(target)
    if paid is not None:
        take_back(session, row=paid, title=terms.title, at=at, zone=zone)
    note_refusal(session, place=place, target=target, code=MissionRewardRefused.code)


def _hold(session: Session, reference: str, at: datetime) -> tuple[Place, int] | None:
    """Hold whoever bears the reward now and the account; None when nobody is left."""
    place, target = named_by(reference)
    bearer = lock_bearer(session, member_id=place.member_id)
    if bearer is None:
        return None
    open_and_lock_account(session, member_id=bearer.id, at=at)
    return Place(bearer.id, place.mission_id, place.period), target


def _pay(
    session: Session, vault: Vault, mission: Running, place: Place, step: Step, at: datetime, zone: ZoneInfo
) -> None:
    try:
        if mission.is_paused:
            raise MissionPaused
        check_allowed(session, vault=vault, mission=mission, place=place, target=step.target, at=at)
        pay(session, mission=mission, place=place, step=step, key=None, at=at, zone=zone)
    except SURVIVED as refusal:
        note_refusal(session, place=place, target=step.target, code=refusal.code)
