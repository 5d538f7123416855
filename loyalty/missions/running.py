"""Missions as they run (进行中的任务): the revision in force of each, and when it counts and pays."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from loyalty.kernel.clock import last_day_before
from loyalty.kernel.database import AnyRow
from loyalty.missions.models import Mission, MissionRevision
from loyalty.missions.rules.counting import claimable_until
from loyalty.missions.rules.documents import from_json
from loyalty.missions.rules.errors import MissionNotFound
from loyalty.missions.rules.terms import MissionEvent, MissionState, Terms


@dataclass(frozen=True, slots=True)
class Running:
    """A published mission with the revision in force."""

    mission_id: int
    revision_id: int
    terms: Terms
    state: MissionState
    opened_at: datetime
    stopped_at: datetime | None

    @property
    def starts_at(self) -> datetime:
        """From when on events count: never before the first publication."""
        return max(self.opened_at, self.terms.starts_at or self.opened_at)

    @property
    def ends_at(self) -> datetime | None:
        """From when on events count no more."""
        return min((end for end in (self.terms.ends_at, self.stopped_at) if end is not None), default=None)

    @property
    def is_paused(self) -> bool:
        """Whether it pays nothing for the time being."""
        return self.state is MissionState.PAUSED

    def covers(self, occurred_at: datetime) -> bool:
        """Tell whether an event of an instant counts, whenever it is told."""
        return self.starts_at <= occurred_at and (self.ends_at is None or occurred_at < self.ends_at)

    def claimable_until(self, period: str, zone: ZoneInfo) -> date | None:
        """Return the last business date on which what was reached in a period can be claimed."""
        return claimable_until(period, last_day_before(self.ends_at, zone) if self.ends_at is not None else None)


def running_at(
    session: Session, *, event: MissionEvent, custom_kind: str | None, occurred_at: datetime
) -> Sequence[Running]:
    """Return the missions for which an event of an instant counts, by ascending id."""
    rows = session.execute(
        _PUBLISHED.where(Mission.event == event, or_(Mission.stopped_at.is_(None), Mission.stopped_at > occurred_at))
    )
    found = [_running(row) for row in rows]
    return [one for one in found if one.terms.custom_kind == custom_kind and one.covers(occurred_at)]


def list_published(session: Session) -> Sequence[Running]:
    """Return every mission that was published, by ascending id."""
    return [_running(row) for row in session.execute(_PUBLISHED)]


def get_published(session: Session, *, mission_id: int) -> Running:
    """Return a mission that was published.

    Raises:
        MissionNotFound: there is none of this id.
    """
    row = session.execute(_PUBLISHED.where(Mission.id == mission_id)).one_or_none()
    if row is None:
        raise MissionNotFound(mission_id=mission_id)
    return _running(row)


def terms_of(session: Session, *, revision_id: int) -> Terms:
    """Return what a revision says, whatever became of its mission."""
    stored = select(cast(MissionRevision.terms, Text)).where(MissionRevision.id == revision_id)
    return read_terms(session.execute(stored).scalar_one())


@lru_cache(maxsize=1_000)
def read_terms(text: str) -> Terms:
    """Read terms once for all events that are counted by them."""
    return from_json(json.loads(text))


_PUBLISHED: Any = (
    select(
        Mission.id,
        Mission.revision_id,
        cast(MissionRevision.terms, Text).label("terms"),
        Mission.state,
        Mission.opened_at,
        Mission.stopped_at,
    )
    .join(MissionRevision, MissionRevision.id == Mission.revision_id)
    .order_by(Mission.id)
)


def _running(row: AnyRow) -> Running:
    mission_id, revision_id, terms, state, opened_at, stopped_at = row
    return Running(mission_id, revision_id, read_terms(terms), MissionState(state), opened_at, stopped_at)
