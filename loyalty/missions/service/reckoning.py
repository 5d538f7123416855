"""Reckoning (计算进度): how far the rows of what counted come, and which rows are of one place."""

from sqlalchemy import ColumnElement, and_, func, select, true
from sqlalchemy.orm import Session

from loyalty.missions.models import MissionCount, MissionProgress, MissionReward
from loyalty.missions.rules.counting import progress_of
from loyalty.missions.rules.terms import Measure
from loyalty.missions.service.paying import Place


def progress_by_rows(
    session: Session, *, place: Place, measure: Measure, is_wanted: ColumnElement[bool] | None = None
) -> int:
    """Return how far what counted in a period comes, or those of its rows that are wanted."""
    by_day = session.execute(
        select(MissionCount.counted_on, func.sum(MissionCount.amount))
        .where(is_of(MissionCount, place), MissionCount.amount > 0, true() if is_wanted is None else is_wanted)
        .group_by(MissionCount.counted_on)
    )
    return progress_of(measure, {day: int(amount) for day, amount in by_day})


def is_of(table: type[MissionCount] | type[MissionProgress] | type[MissionReward], place: Place) -> ColumnElement[bool]:
    """Say in SQL that a row is of a place."""
    return and_(table.member_id == place.member_id, table.mission_id == place.mission_id, table.period == place.period)
