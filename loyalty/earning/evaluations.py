"""Evaluations as they are kept (评估记录): what was reckoned from which inputs, and what of it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, union_all
from sqlalchemy.orm import Session

from loyalty.earning.models import Settlement, StoredEvaluation
from loyalty.earning.rules.explaining import explain
from loyalty.earning.rules.facts import EarningEvent
from loyalty.earning.rules.keeping import read_room
from loyalty.earning.rules.paying import Standing, read_standing
from loyalty.kernel.database import Json
from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, Page, decode_cursor, page_of
from loyalty.members.queries import family_of


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """One event that was evaluated: its explanations as kept, and the sentences they make."""

    id: int
    member_id: int
    reference: str
    event: str
    store_id: int | None
    occurred_at: datetime
    points: int
    growth: int
    awards: Sequence[Json]
    misses: Sequence[Json]
    inputs: Json
    """Facts, revisions and room: what it was reckoned from."""

    @property
    def told_awards(self) -> Sequence[str]:
        """Why it paid, a Chinese sentence for each rule."""
        return [explain(explanation) for explanation in self.awards]

    @property
    def told_misses(self) -> Sequence[str]:
        """Why it did not pay more, and what was lacking."""
        return [explain(explanation) for explanation in self.misses]


@dataclass(frozen=True, slots=True)
class Kept:
    """An evaluation with what stands of it after its refunds so far."""

    view: EvaluationView
    standings: Sequence[Standing]
    points: int
    """As awarded, or as last corrected; refunds do not change it."""
    growth: int
    awards: Sequence[Json]
    settlements: Mapping[str, tuple[int, int]]
    """Points and growth that stood after each settlement, by its cause."""
    room: Mapping[tuple[int, str], int]
    """That of the last settlement, or of the award."""


def find_evaluation(session: Session, *, member_id: int, reference: str) -> EvaluationView | None:
    """Return what became of an event, or nothing when it was never evaluated."""
    return _first_of(session, [member_id], reference)


def find_in_family(session: Session, *, member_id: int, reference: str) -> EvaluationView | None:
    """Return what became of an event of a member, or of one who was merged into it."""
    return _first_of(session, family_of(session, member_id=member_id), reference)


def list_evaluations(
    session: Session,
    *,
    member_id: int,
    event: EarningEvent | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[EvaluationView]:
    """Return what became of a member's events, and of those of members merged into them, newest first.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    size, before_id = max(1, min(limit, PAGE_SIZE_MAX)), decode_cursor(cursor)
    own = select(StoredEvaluation.member_id, StoredEvaluation.id)
    if event is not None:
        own = own.where(StoredEvaluation.event == event)
    if before_id is not None:
        own = own.where(StoredEvaluation.id < before_id)
    # Each gives a page's worth by its own index; the newest of them are the page.
    pages = [
        own.where(StoredEvaluation.member_id == owner_id)
        .order_by(StoredEvaluation.id.desc())
        .limit(size + 1)
        .subquery()
        for owner_id in family_of(session, member_id=member_id)
    ]
    newest = union_all(*(select(page) for page in pages)).subquery()
    is_newest = and_(StoredEvaluation.member_id == newest.c.member_id, StoredEvaluation.id == newest.c.id)
    rows = session.scalars(
        select(StoredEvaluation).join(newest, is_newest).order_by(StoredEvaluation.id.desc()).limit(size + 1)
    )
    return page_of([_view(row) for row in rows], limit=size, id_of=lambda view: view.id)


def find_kept(session: Session, *, member_id: int, reference: str) -> Kept | None:
    """Return an evaluation with what stands of it; the caller holds what could change it."""
    view = find_evaluation(session, member_id=member_id, reference=reference)
    if view is None:
        return None
    rows = session.scalars(
        select(Settlement)
        .where(Settlement.member_id == member_id, Settlement.evaluation_id == view.id)
        .order_by(Settlement.number)
    ).all()
    last = rows[-1] if rows else None
    told = next((row for row in reversed(rows) if row.is_correction), view)
    room = view.inputs["room"] if last is None else last.room
    return Kept(
        view=view,
        standings=[read_standing(award) for award in (view.awards if last is None else last.awards)],
        points=told.points,
        growth=told.growth,
        awards=told.awards,
        settlements={row.reference: (row.points, row.growth) for row in rows},
        room=read_room(room),
    )


def _first_of(session: Session, member_ids: Sequence[int], reference: str) -> EvaluationView | None:
    row = session.scalars(
        select(StoredEvaluation)
        .where(StoredEvaluation.member_id.in_(member_ids), StoredEvaluation.reference == reference)
        .order_by(StoredEvaluation.id)
        .limit(1)
    ).one_or_none()
    return None if row is None else _view(row)


def _view(row: StoredEvaluation) -> EvaluationView:
    inputs: dict[str, Any] = {"facts": row.facts, "revision_ids": row.revision_ids, "room": row.room}
    return EvaluationView(
        id=row.id,
        member_id=row.member_id,
        reference=row.reference,
        event=row.event,
        store_id=row.store_id,
        occurred_at=row.occurred_at,
        points=row.points,
        growth=row.growth,
        awards=row.awards,
        misses=row.misses,
        inputs=inputs,
    )
