"""Merging (合并任务): what a merged member did counts for the survivor, and nobody is paid twice for the same step."""

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, aliased

from loyalty.missions.models import MissionCount, MissionProgress, MissionReward
from loyalty.missions.running import get_published
from loyalty.missions.service.paying import Place
from loyalty.missions.service.progress import reckon

_KEYS: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (MissionCount, ("mission_id", "reference")),
    (MissionReward, ("mission_id", "period", "target")),
)


def transfer(session: Session, *, from_member_id: int, to_member_id: int, at: datetime) -> None:
    """Move what counted and what was paid, except where the survivor has its own; reckon the progress of both anew.

    What the two together have reached is paid with the next event, or when it is claimed. The caller holds both.
    """
    places = session.execute(
        select(MissionProgress.mission_id, MissionProgress.period)
        .where(MissionProgress.member_id == from_member_id)
        .order_by(MissionProgress.mission_id, MissionProgress.period)
    ).all()
    for table, key in _KEYS:
        _move(session, table, key, from_member_id, to_member_id)
    for mission_id, period in places:
        measure = get_published(session, mission_id=mission_id).terms.measure
        for member_id in sorted((from_member_id, to_member_id)):
            reckon(session, place=Place(member_id, mission_id, period), measure=measure, at=at)


def _move(session: Session, table: Any, key: tuple[str, ...], from_member_id: int, to_member_id: int) -> None:
    taken = aliased(table)
    same = [getattr(taken, name) == getattr(table, name) for name in key]
    session.execute(
        update(table)
        .where(table.member_id == from_member_id, ~exists().where(taken.member_id == to_member_id, *same))
        .values(member_id=to_member_id)
        .execution_options(synchronize_session=False)
    )
