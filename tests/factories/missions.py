"""Missions and what members do for tests."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.missions import service
from loyalty.missions.queries import MissionView, list_missions
from loyalty.missions.rules.terms import MissionEvent, PointsReward, Step, Terms
from loyalty.missions.service.missions import create_mission, publish
from tests.factories.check_ins import SHANGHAI
from tests.support.settings import VAULT

ACTOR = Actor("staff:1")
OPENED = datetime(2026, 1, 1, tzinfo=UTC)
"""When missions of tests are published unless told otherwise."""
_numbers = count(1)


def steps(*pairs: tuple[int, int]) -> tuple[Step, ...]:
    """Steps of targets and points."""
    return tuple(Step(target, PointsReward(points)) for target, points in pairs)


def mission_of(**changes: Any) -> Terms:
    """Terms: 10 points for a review, once, at once, unless told otherwise."""
    values: dict[str, Any] = {"title": "评价有礼", "event": MissionEvent.REVIEW, "steps": steps((1, 10))}
    return Terms(**(values | changes))


def make_mission(session: Session, terms: Terms | None = None, *, at: datetime = OPENED, **changes: Any) -> int:
    """A published mission."""
    mission_id = create_mission(session, terms=terms or mission_of(**changes), actor=ACTOR, zone=SHANGHAI, at=at)
    publish(session, mission_id=mission_id, actor=ACTOR, zone=SHANGHAI, at=at)
    return mission_id


def do(
    session: Session,
    member_id: int,
    at: datetime,
    *,
    event: MissionEvent = MissionEvent.REVIEW,
    told_at: datetime | None = None,
    **changes: Any,
) -> None:
    """Let a member do something, told at once unless said otherwise."""
    values: dict[str, Any] = {"reference": f"test:{next(_numbers)}", "occurred_at": at}
    happening = service.Happening(event=event, member_id=member_id, **(values | changes))
    service.count(session, vault=VAULT, happening=happening, at=told_at or at, zone=SHANGHAI)


def seen(session: Session, member_id: int, mission_id: int, at: datetime) -> MissionView:
    """The one mission among those that a member is shown."""
    views = list_missions(session, member_id=member_id, at=at, zone=SHANGHAI)
    (view,) = (view for view in views if view.mission_id == mission_id)
    return view


def progress_of(session: Session, member_id: int, mission_id: int, at: datetime) -> int:
    """How far a member is, as shown."""
    return seen(session, member_id, mission_id, at).progress


def claim(
    session: Session, member_id: int, mission_id: int, at: datetime, *, step: int = 1, **changes: Any
) -> service.Claimed:
    """Claim a step of a mission that is done once; what risk withholds is raised, as the doors do."""
    values: dict[str, Any] = {"period": "total", "key": f"key-{next(_numbers)}", "mission_id": mission_id}
    outcome = service.claim(
        session, vault=VAULT, member_id=member_id, step=step, at=at, zone=SHANGHAI, **(values | changes)
    )
    if isinstance(outcome, service.Withheld):
        raise outcome.refusal
    return outcome
