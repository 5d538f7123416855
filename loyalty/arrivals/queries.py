"""Reads of arrivals: what QR codes brought, by code, by store and by day.

A scan counts on the day of the scan, an enrolment on the day of the enrolment. People are counted once for what is
asked for, so that they do not add up over days or codes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, false, func, literal, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from loyalty.arrivals.models import SceneEnrolment, SceneScan
from loyalty.channels.models import Scene
from loyalty.kernel.business_days import day_of
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of

Part = ColumnElement[Any] | InstrumentedAttribute[int]
STORE = "store"
"""What the code of a store stands for."""


@dataclass(frozen=True, slots=True)
class SceneFilter:
    """Which codes are meant; ``store_ids`` None means also those of no store."""

    scene_id: int | None = None
    kind: str | None = None
    hidden_kinds: Collection[str] = ()
    store_id: int | None = None
    store_ids: Collection[int] | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """The instants from the first, up to and without the last."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What codes brought."""

    scans: int = 0
    people: int = 0
    new_followers: int = 0
    enrolled: int = 0


@dataclass(frozen=True, slots=True)
class SceneListed:
    """One code with what it brought."""

    scene: Scene
    figures: Figures = field(default_factory=Figures)

    @property
    def store_id(self) -> int | None:
        """The store that it stands for."""
        return self.scene.subject_id if self.scene.subject_kind == STORE else None


def list_scenes(
    session: Session, chosen: SceneFilter, *, span: Span, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[SceneListed]:
    """Return codes, the newest first, with what they brought."""
    query = select(Scene).where(_meant(chosen)).order_by(Scene.id.desc()).limit(limit + 1)
    after = decode_cursor(cursor)
    if after is not None:
        query = query.where(Scene.id < after)
    page = page_of(session.scalars(query).all(), limit=limit, id_of=lambda scene: scene.id)
    ids = [scene.id for scene in page.items]
    brought = _figures(session, Scene.id, Scene.id, Scene.id.in_(ids), span) if ids else {}
    return Page([SceneListed(scene, brought.get(scene.id, Figures())) for scene in page.items], page.next_cursor)


def total(session: Session, chosen: SceneFilter, *, span: Span) -> Figures:
    """Return what all these codes brought together."""
    return _figures(session, literal(1), literal(1), _meant(chosen), span).get(1, Figures())


def by_store(session: Session, chosen: SceneFilter, *, span: Span) -> Mapping[int, Figures]:
    """Return what the codes of each store brought, the most scans first."""
    of_stores = and_(_meant(chosen), Scene.subject_kind == STORE)
    found = _figures(session, Scene.subject_id, Scene.subject_id, of_stores, span)
    return dict(sorted(found.items(), key=lambda one: (-one[1].scans, one[0])))


def by_day(
    session: Session, chosen: SceneFilter, *, days: Sequence[date], span: Span, zone: ZoneInfo
) -> Mapping[date, Figures]:
    """Return what these codes brought on each business date."""
    found = _figures(
        session, day_of(SceneScan.scanned_at, zone), day_of(SceneEnrolment.enrolled_at, zone), _meant(chosen), span
    )
    return {day: found.get(day, Figures()) for day in days}


def _figures(
    session: Session,
    scans_by: Part,
    enrolments_by: Part,
    meant: ColumnElement[bool],
    span: Span,
) -> dict[Any, Figures]:
    counted = session.execute(
        select(
            scans_by.label("part"),
            func.count().label("scans"),
            func.count(SceneScan.identity_id.distinct()).label("people"),
            func.count().filter(SceneScan.is_new_follower).label("new_followers"),
        )
        .join(Scene, Scene.id == SceneScan.scene_id)
        .where(meant, SceneScan.scanned_at >= span.since, SceneScan.scanned_at < span.until)
        .group_by("part")
    )
    scanned = {row.part: (row.scans, row.people, row.new_followers) for row in counted}
    enrolments = session.execute(
        select(enrolments_by.label("part"), func.count().label("enrolled"))
        .select_from(SceneEnrolment)
        .join(Scene, Scene.id == SceneEnrolment.scene_id)
        .where(meant, SceneEnrolment.enrolled_at >= span.since, SceneEnrolment.enrolled_at < span.until)
        .group_by("part")
    )
    enrolled = {row.part: row.enrolled for row in enrolments}
    return {
        part: Figures(*scanned.get(part, (0, 0, 0)), enrolled=enrolled.get(part, 0)) for part in {*scanned, *enrolled}
    }


def _meant(chosen: SceneFilter) -> ColumnElement[bool]:
    is_of_store = Scene.subject_kind == STORE
    conditions: list[ColumnElement[bool]] = [true()]
    if chosen.scene_id is not None:
        conditions.append(Scene.id == chosen.scene_id)
    if chosen.kind is not None:
        conditions.append(Scene.subject_kind == chosen.kind)
    if chosen.hidden_kinds:
        conditions.append(Scene.subject_kind.not_in(chosen.hidden_kinds))
    if chosen.store_id is not None:
        conditions += [is_of_store, Scene.subject_id == chosen.store_id]
    if chosen.store_ids is not None:
        conditions += [is_of_store, Scene.subject_id.in_(chosen.store_ids) if chosen.store_ids else false()]
    if chosen.text:
        conditions.append(Scene.label.icontains(chosen.text, autoescape=True))
    return and_(*conditions)
