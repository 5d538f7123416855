"""The life of a mission (任务): drafts are edited, published revisions never; a change makes the next revision.

What members have done so far goes on to count, since event, measure and period stay. Every change locks the mission
and is audited.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from loyalty.coupons.queries.prospects import is_issuing
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.missions.models import Mission, MissionRevision
from loyalty.missions.rules.checking import check_same_kind, check_terms
from loyalty.missions.rules.documents import to_json
from loyalty.missions.rules.errors import (
    InvalidMission,
    MissionNotFound,
    MissionNotInState,
    NoMissionDraft,
    Problem,
)
from loyalty.missions.rules.terms import CouponReward, MissionState, Terms
from loyalty.missions.running import terms_of

_EDITABLE = (MissionState.DRAFT, MissionState.LIVE, MissionState.PAUSED)


def create_mission(session: Session, *, terms: Terms, actor: Actor, zone: ZoneInfo, at: datetime) -> int:
    """Make a mission with its first draft (草稿); return its id. Nothing counts for it until it is published.

    Raises:
        ValueForFollowingOrSharing: it would pay for what WeChat forbids to pay for.
        InvalidMission: it could not be done or paid as it reads.
    """
    check_terms(terms, zone=zone)
    mission = Mission(event=terms.event, state=MissionState.DRAFT, created_by=actor.name, created_at=at)
    session.add(mission)
    session.flush()
    save_draft(session, mission_id=mission.id, terms=terms, actor=actor, zone=zone, at=at)
    return mission.id


def save_draft(session: Session, *, mission_id: int, terms: Terms, actor: Actor, zone: ZoneInfo, at: datetime) -> int:
    """Keep what the next revision shall say, in place of an earlier draft; return the revision's id.

    Raises:
        MissionNotFound: there is no such mission.
        MissionNotInState: it was stopped.
        ValueForFollowingOrSharing: it would pay for what WeChat forbids to pay for.
        InvalidMission: it could not be done or paid as it reads, or would be another mission than the published one.
    """
    check_terms(terms, zone=zone)
    _check_coupons(session, terms)
    mission = _locked(session, mission_id)
    _require(mission, *_EDITABLE)
    if mission.revision_id is not None:
        check_same_kind(terms, terms_of(session, revision_id=mission.revision_id))
    draft = _find_draft(session, mission_id) or MissionRevision(
        mission_id=mission_id, number=_next_number(session, mission_id)
    )
    before = draft.terms if draft.id else None
    draft.terms, draft.created_by, draft.created_at = to_json(terms), actor.name, at
    mission.event = terms.event
    session.add(draft)
    session.flush()
    _note(session, "missions.save_draft", mission_id, before, draft.terms, actor, at)
    return draft.id


def discard_draft(session: Session, *, mission_id: int, actor: Actor, at: datetime) -> None:
    """Throw the draft away; a mission that was never published goes with it.

    Raises:
        MissionNotFound: there is no such mission.
        NoMissionDraft: there is no draft.
    """
    mission = _locked(session, mission_id)
    draft = _draft(session, mission_id)
    before = draft.terms
    session.execute(delete(MissionRevision).where(MissionRevision.id == draft.id))
    if mission.revision_id is None:
        session.delete(mission)
    session.flush()
    _note(session, "missions.discard_draft", mission_id, before, None, actor, at)


def publish(session: Session, *, mission_id: int, actor: Actor, zone: ZoneInfo, at: datetime) -> int:
    """Put the draft in force (发布), in place of the revision before; return its id. A paused mission stays paused.

    Raises:
        MissionNotFound: there is no such mission.
        MissionNotInState: it was stopped.
        NoMissionDraft: there is no draft.
        ValueForFollowingOrSharing: it would pay for what WeChat forbids to pay for.
        InvalidMission: by now it could not be done or paid any more, since its end or its coupon's has come.
    """
    mission = _locked(session, mission_id)
    _require(mission, *_EDITABLE)
    draft = _draft(session, mission_id)
    terms = terms_of(session, revision_id=draft.id)
    check_terms(terms, zone=zone)  # what may be saved can have changed since the draft was
    _check_coupons(session, terms)
    if terms.ends_at is not None and terms.ends_at <= at:
        raise InvalidMission([Problem("ends_at", "结束时间已过，请修改后再发布")])
    before: Json = {"state": mission.state, "revision_id": mission.revision_id}
    draft.published_by, draft.published_at = actor.name, at
    mission.revision_id, mission.opened_at = draft.id, mission.opened_at or at
    if mission.state == MissionState.DRAFT:
        mission.state = MissionState.LIVE
    session.flush()
    after: Json = {"state": mission.state, "revision_id": draft.id, "terms": draft.terms}
    _note(session, "missions.publish", mission_id, before, after, actor, at)
    return draft.id


def pause(session: Session, *, mission_id: int, actor: Actor, at: datetime) -> None:
    """Pay nothing for the time being (暂停发放); events go on to count, and can be claimed after it.

    Raises:
        MissionNotFound: there is no such mission.
        MissionNotInState: it is not live.
    """
    _move(session, mission_id, (MissionState.LIVE,), MissionState.PAUSED, "missions.pause", actor, at)


def resume(session: Session, *, mission_id: int, actor: Actor, at: datetime) -> None:
    """Pay again after a pause (恢复发放).

    Raises:
        MissionNotFound: there is no such mission.
        MissionNotInState: it is not paused.
    """
    _move(session, mission_id, (MissionState.PAUSED,), MissionState.LIVE, "missions.resume", actor, at)


def stop(session: Session, *, mission_id: int, actor: Actor, at: datetime) -> None:
    """End a mission (停止): what happens from now on counts nothing; there is no way back.

    What was reached before can still be claimed for as many days as after any end.

    Raises:
        MissionNotFound: there is no such mission.
        MissionNotInState: it was never published, or is stopped already.
    """
    sources = (MissionState.LIVE, MissionState.PAUSED)
    _move(session, mission_id, sources, MissionState.STOPPED, "missions.stop", actor, at)


def _move(
    session: Session,
    mission_id: int,
    sources: tuple[MissionState, ...],
    target: MissionState,
    action: str,
    actor: Actor,
    at: datetime,
) -> None:
    mission = _locked(session, mission_id)
    _require(mission, *sources)
    before: Json = {"state": mission.state}
    mission.state = target
    if target is MissionState.STOPPED:
        mission.stopped_at = at
    session.flush()
    _note(session, action, mission_id, before, {"state": target.value}, actor, at)


def _check_coupons(session: Session, terms: Terms) -> None:
    template_ids = [step.reward.template_id for step in terms.steps if isinstance(step.reward, CouponReward)]
    if not all(is_issuing(session, template_id=template_id) for template_id in template_ids):
        raise InvalidMission([Problem("steps", "所送的优惠券不存在、未发布或已停止发放")])


def _locked(session: Session, mission_id: int) -> Mission:
    mission = session.scalars(
        select(Mission)
        .where(Mission.id == mission_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if mission is None:
        raise MissionNotFound(mission_id=mission_id)
    return mission


def _require(mission: Mission, *states: MissionState) -> None:
    if mission.state not in states:
        raise MissionNotInState(state=mission.state)


def _draft(session: Session, mission_id: int) -> MissionRevision:
    draft = _find_draft(session, mission_id)
    if draft is None:
        raise NoMissionDraft
    return draft


def _find_draft(session: Session, mission_id: int) -> MissionRevision | None:
    return session.scalars(
        select(MissionRevision)
        .where(MissionRevision.mission_id == mission_id, MissionRevision.published_at.is_(None))
        .execution_options(populate_existing=True)
    ).one_or_none()


def _next_number(session: Session, mission_id: int) -> int:
    highest: Any = select(func.max(MissionRevision.number))
    return (session.scalar(highest.where(MissionRevision.mission_id == mission_id)) or 0) + 1


def _note(
    session: Session, action: str, mission_id: int, before: Json | None, after: Json | None, actor: Actor, at: datetime
) -> None:
    audit.write(session, actor=actor, action=action, subject=f"mission:{mission_id}", before=before, after=after, at=at)
