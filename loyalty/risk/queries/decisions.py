"""Decisions with their evidence: for the review queue (待审核) and for the page of a member."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.database import Json
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.queries import family_ids
from loyalty.risk.models import RiskDecision, Sighting
from loyalty.risk.rules.subjects import DecisionState, Occasion, RiskDecisionNotFound, Verdict

NEIGHBOURS_MAX = 50


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision with everything it was made from."""

    id: int
    occasion: Occasion
    reference: str
    member_id: int | None
    verdict: Verdict
    rule_name: str | None
    sentence: str
    evidence: Json
    rule_set_id: int | None
    state: DecisionState
    assessed_at: datetime
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A member who was seen where another was."""

    member_id: int
    is_same_device: bool
    is_same_address: bool


def get_decision(session: Session, *, decision_id: int) -> DecisionView:
    """Return a decision.

    Raises:
        RiskDecisionNotFound: there is none with this id.
    """
    row = session.get(RiskDecision, decision_id, populate_existing=True)
    if row is None:
        raise RiskDecisionNotFound(decision_id=decision_id)
    return _view(row)


def find_decision(session: Session, *, occasion: Occasion, reference: str) -> DecisionView | None:
    """Return what was decided about one gain."""
    query = select(RiskDecision).where(RiskDecision.occasion == occasion, RiskDecision.reference == reference)
    row = session.scalars(query.execution_options(populate_existing=True)).first()
    return None if row is None else _view(row)


def list_decisions(
    session: Session,
    *,
    state: DecisionState | None = None,
    occasion: Occasion | None = None,
    rule_name: str = "",
    member_id: int | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[DecisionView]:
    """Return a page of decisions, the newest first; those on members merged into one count as the one's."""
    query = select(RiskDecision).order_by(RiskDecision.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(RiskDecision.state == state)
    if occasion is not None:
        query = query.where(RiskDecision.occasion == occasion)
    if rule_name:
        query = query.where(RiskDecision.rule_name == rule_name)
    if member_id is not None:
        query = query.where(RiskDecision.member_id.in_(family_ids(member_id)))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(RiskDecision.id < last_id)
    return page_of([_view(row) for row in session.scalars(query)], limit=limit, id_of=lambda view: view.id)


def count_waiting(session: Session) -> int:
    """Return how many decisions wait for somebody."""
    waiting = select(func.count()).select_from(RiskDecision).where(RiskDecision.state == DecisionState.WAITING)
    return session.execute(waiting).scalar_one()


def neighbours_of(session: Session, *, member_id: int) -> Sequence[Neighbour]:
    """Return who was seen on the same devices or addresses as a member, those on the same device first."""
    mine, other = aliased(Sighting, name="mine"), aliased(Sighting, name="other")
    same_device = func.bool_or(mine.device_index == other.device_index).label("same_device")
    same_address = func.bool_or(mine.ip_index == other.ip_index).label("same_address")
    rows = session.execute(
        select(other.member_id, func.coalesce(same_device, False), func.coalesce(same_address, False))
        .join(mine, (mine.device_index == other.device_index) | (mine.ip_index == other.ip_index))
        .where(mine.member_id == member_id, other.member_id.is_not(None), other.member_id != member_id)
        .group_by(other.member_id)
        .order_by(func.coalesce(same_device, False).desc(), other.member_id)
        .limit(NEIGHBOURS_MAX)
    )
    return [Neighbour(*row) for row in rows]


def _view(row: RiskDecision) -> DecisionView:
    return DecisionView(
        id=row.id,
        occasion=Occasion(row.occasion),
        reference=row.reference,
        member_id=row.member_id,
        verdict=Verdict(row.verdict),
        rule_name=row.rule_name,
        sentence=row.sentence,
        evidence=row.evidence,
        rule_set_id=row.rule_set_id,
        state=DecisionState(row.state),
        assessed_at=row.assessed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
