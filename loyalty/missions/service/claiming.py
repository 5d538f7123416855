"""Claiming (领取任务奖励): what was reached and has not come by itself, once by the step and the period."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.members.queries import require_living
from loyalty.missions.models import MissionProgress, MissionReward
from loyalty.missions.rules.errors import (
    MissionRewardClaimed,
    MissionRewardHeld,
    MissionRewardRefused,
    MissionStepNotFound,
    MissionStepNotReached,
)
from loyalty.missions.running import Running, get_published
from loyalty.missions.service.guarding import check_allowed
from loyalty.missions.service.paying import Place, pay
from loyalty.missions.service.progress import check_payable, forget_refusal, note_refusal, reckon, rewards_standing
from loyalty.points.service.accounts import open_and_lock_account
from loyalty.risk.rules.subjects import Subject


@dataclass(frozen=True, slots=True)
class Claimed:
    """A reward that a member has; a replay tells of the one claimed before."""

    mission_id: int
    period: str
    step: int
    reward: Json
    coupon_id: int | None
    paid_at: datetime
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Withheld:
    """A claim that risk did not let go. What risk said has to stay, so it is returned and not raised.

    Whoever asked raises ``refusal`` once the transaction is over.
    """

    refusal: MissionRewardHeld | MissionRewardRefused


def claim(
    session: Session,
    *,
    vault: Vault,
    member_id: int,
    mission_id: int,
    step: int,
    period: str,
    key: str,
    at: datetime,
    zone: ZoneInfo,
    subject: Subject | None = None,
) -> Claimed | Withheld:
    """Claim the reward of a step, which its target names, of a period (领取); the same key again is a replay.

    What risk holds is paid without another claim as soon as a person lets it go. ``subject`` is who claims, as
    ``look`` has seen them.

    Raises:
        MissionNotFound: there is no such mission.
        MissionStepNotFound: it has no step with this target.
        MissionRewardClaimed: the member has the reward; the details tell of it.
        IdempotencyKeyReused: the key was used for another claim.
        MissionStepNotReached: the member is not that far; the details tell how far.
        MissionPaused, MissionClaimOver: the mission pays nothing now, or no longer.
        MissionChannelOff: without the friends of channels that are off the step is not reached.
        MissionBudgetSpent, MissionMemberLimitReached: a limit of the mission has nothing left.
        CouponSoldOut and the others of ``earning.service.coupons.REFUSALS``: its coupon is refused.
        MemberGone: the member was closed or merged.
    """
    require_living(session, member_id=member_id)
    mission, place = get_published(session, mission_id=mission_id), Place(member_id, mission_id, period)
    known = rewards_standing(session, place=place).get(step)
    if known is not None and known.idempotency_key == key:
        return _claimed(known, is_replay=True)
    if _is_used(session, member_id, key):
        raise IdempotencyKeyReused
    if known is not None:
        raise MissionRewardClaimed(**_details(known))
    return _pay(session, vault, mission, place, step, key, subject, at, zone)


def _pay(
    session: Session,
    vault: Vault,
    mission: Running,
    place: Place,
    target: int,
    key: str,
    subject: Subject | None,
    at: datetime,
    zone: ZoneInfo,
) -> Claimed | Withheld:
    step = mission.terms.step_at(target)
    if step is None:
        raise MissionStepNotFound(step=target)
    if not _is_begun(session, place):
        raise MissionStepNotReached(progress=0, target=target)
    check_payable(mission, place, at=at, zone=zone)
    open_and_lock_account(session, member_id=place.member_id, at=at)
    progress = reckon(session, place=place, measure=mission.terms.measure, at=at)
    if progress < target:
        raise MissionStepNotReached(progress=progress, target=target)
    try:
        check_allowed(session, vault=vault, mission=mission, place=place, target=target, subject=subject, at=at)
    except (MissionRewardHeld, MissionRewardRefused) as refusal:
        note_refusal(session, place=place, target=target, code=refusal.code)
        return Withheld(refusal)
    reward = pay(session, mission=mission, place=place, step=step, key=key, at=at, zone=zone)
    forget_refusal(session, place=place, target=target)
    return _claimed(reward)


def _is_begun(session: Session, place: Place) -> bool:
    """Tell whether anything counted in the period; of a period that nobody made up there is none."""
    return session.get(MissionProgress, (place.member_id, place.mission_id, place.period)) is not None


def _is_used(session: Session, member_id: int, key: str) -> bool:
    used = select(MissionReward.target).where(
        MissionReward.member_id == member_id, MissionReward.idempotency_key == key
    )
    return session.execute(used.limit(1)).first() is not None


def _claimed(row: MissionReward, *, is_replay: bool = False) -> Claimed:
    return Claimed(row.mission_id, row.period, row.target, row.reward, row.coupon_id, row.paid_at, is_replay)


def _details(row: MissionReward) -> dict[str, object]:
    return {"step": row.target, "period": row.period, "reward": row.reward, "paid_at": row.paid_at.isoformat()}
