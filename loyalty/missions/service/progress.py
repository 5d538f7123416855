"""Progress (进度): reckoned anew from what counted whenever that changes, and what follows from it.

The row of the period is the lock: whoever counts, claims or takes back for the same member, mission and period waits
for it.
"""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import cast, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from loyalty.earning.service.coupons import REFUSALS
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.missions.models import MissionProgress, MissionReward
from loyalty.missions.rules.errors import (
    MissionBudgetSpent,
    MissionChannelOff,
    MissionClaimOver,
    MissionMemberLimitReached,
    MissionPaused,
    MissionRewardHeld,
    MissionRewardRefused,
)
from loyalty.missions.rules.terms import Measure
from loyalty.missions.running import Running
from loyalty.missions.service.guarding import check_allowed
from loyalty.missions.service.paying import Place, pay, take_back
from loyalty.missions.service.reckoning import is_of, progress_by_rows

SURVIVED = (
    *REFUSALS,
    MissionBudgetSpent,
    MissionChannelOff,
    MissionClaimOver,
    MissionMemberLimitReached,
    MissionPaused,
    MissionRewardHeld,
    MissionRewardRefused,
)
"""What counting survives: the reward is not paid, and it is kept why."""


def settle(session: Session, *, vault: Vault, mission: Running, place: Place, at: datetime, zone: ZoneInfo) -> None:
    """Reckon how far a member is, pay what is reached where nobody has to claim it, and take back what is lost."""
    progress = reckon(session, place=place, measure=mission.terms.measure, at=at)
    standing = rewards_standing(session, place=place)
    for target, row in standing.items():
        if target > progress:
            take_back(session, row=row, title=mission.terms.title, at=at, zone=zone)
    if not mission.terms.is_claimed_by_hand:
        _pay_reached(session, vault, mission, place, progress, set(standing), at, zone)


def reckon(session: Session, *, place: Place, measure: Measure, at: datetime) -> int:
    """Hold the progress of a period and reckon it from the rows; return it."""
    mine = is_of(MissionProgress, place)
    session.execute(
        insert(MissionProgress)
        .values(
            member_id=place.member_id,
            mission_id=place.mission_id,
            period=place.period,
            progress=0,
            refusals={},
            updated_at=at,
        )
        .on_conflict_do_nothing()
    )
    session.execute(select(MissionProgress.progress).where(mine).with_for_update())
    progress = progress_by_rows(session, place=place, measure=measure)
    _update(session, place, progress=progress, updated_at=at)
    return progress


def rewards_standing(session: Session, *, place: Place) -> Mapping[int, MissionReward]:
    """Return the rewards of a period that were not taken back, by their targets."""
    rows = session.scalars(
        select(MissionReward)
        .where(is_of(MissionReward, place), MissionReward.reversed_at.is_(None))
        .order_by(MissionReward.target)
        .execution_options(populate_existing=True)
    )
    return {row.target: row for row in rows}


def check_payable(mission: Running, place: Place, *, at: datetime, zone: ZoneInfo) -> None:
    """Refuse to pay while the mission is paused, or when the days of claiming are over.

    Raises:
        MissionPaused: it pays nothing for the time being.
        MissionClaimOver: the period, or the mission, ended too long ago.
    """
    if mission.is_paused:
        raise MissionPaused
    until = mission.claimable_until(place.period, zone)
    if until is not None and until < business_date(at, zone):
        raise MissionClaimOver(until=until.isoformat())


def note_refusal(session: Session, *, place: Place, target: int, code: str) -> None:
    """Keep why a reward that was reached is not paid."""
    refusals = MissionProgress.refusals.op("||")(cast({str(target): code}, JSONB))
    _update(session, place, refusals=refusals)


def forget_refusal(session: Session, *, place: Place, target: int) -> None:
    """Forget why a reward could not be paid by itself, since now it was."""
    refusals = MissionProgress.refusals.op("-")(str(target))
    _update(session, place, refusals=refusals)


def _pay_reached(
    session: Session,
    vault: Vault,
    mission: Running,
    place: Place,
    progress: int,
    paid: set[int],
    at: datetime,
    zone: ZoneInfo,
) -> None:
    refusals = {}
    for step in mission.terms.steps:
        if step.target > progress or step.target in paid:
            continue
        try:
            check_payable(mission, place, at=at, zone=zone)
            check_allowed(session, vault=vault, mission=mission, place=place, target=step.target, at=at)
            pay(session, mission=mission, place=place, step=step, key=None, at=at, zone=zone)
        except SURVIVED as refusal:
            refusals[str(step.target)] = refusal.code
    _update(session, place, refusals=refusals)


def _update(session: Session, place: Place, **values: object) -> None:
    session.execute(
        update(MissionProgress)
        .where(is_of(MissionProgress, place))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
