"""Reads of campaigns: each with the revision in force and the draft of the next, and what was in force before."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Text, cast, select
from sqlalchemy.orm import Session, aliased

from loyalty.campaigns.models import Campaign, CampaignRevision
from loyalty.campaigns.rules.documents import parse
from loyalty.campaigns.rules.errors import CampaignNotFound
from loyalty.campaigns.rules.terms import CampaignState, Terms
from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of


@dataclass(frozen=True, slots=True)
class RevisionView:
    """What a campaign says, or would say next."""

    id: int
    number: int
    terms: Terms
    forecast: Mapping[str, Any] | None
    """What was forecast when it was submitted or approved; see ``loyalty.campaigns.queries.forecast``."""
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None

    @property
    def is_waiting(self) -> bool:
        """Whether it was submitted, and a second person decides."""
        return self.published_at is None and self.forecast is not None


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign as staff see it."""

    id: int
    title: str
    state: CampaignState
    template: str | None
    revision: RevisionView | None
    """In force; nothing while none was published."""
    draft: RevisionView | None
    """Its next revision, when there is one."""
    started_at: datetime | None
    ended_at: datetime | None
    created_by: str
    created_at: datetime

    @property
    def terms(self) -> Terms:
        """What it says, or would."""
        revision = self.revision or self.draft
        assert revision is not None
        return revision.terms

    @property
    def is_waiting(self) -> bool:
        """Whether its next revision waits for a second person, whether or not one is in force."""
        return self.draft is not None and self.draft.is_waiting


def get_campaign(session: Session, *, campaign_id: int) -> CampaignView:
    """Return one campaign.

    Raises:
        CampaignNotFound: there is no such campaign.
    """
    row = session.execute(_campaigns().where(Campaign.id == campaign_id)).one_or_none()
    if row is None:
        raise CampaignNotFound(campaign_id=campaign_id)
    return _view(row)


def list_campaigns(
    session: Session,
    *,
    states: Collection[CampaignState] = (),
    text: str = "",
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[CampaignView]:
    """Return campaigns, the newest first; ``text`` looks for a part of the title, ``states`` empty for all.

    Raises:
        InvalidCursor: the cursor is not ours.
    """
    query = _campaigns().order_by(Campaign.id.desc()).limit(limit + 1)
    if states:
        query = query.where(Campaign.state.in_(list(states)))
    if text:
        query = query.where(Campaign.title.icontains(text, autoescape=True))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Campaign.id < last_id)
    return page_of([_view(row) for row in session.execute(query)], limit=limit, id_of=lambda view: view.id)


def list_in_states(session: Session, *, states: Collection[CampaignState]) -> Sequence[CampaignView]:
    """Return every campaign in some states that has a revision in force, by ascending id, for those who run them."""
    wanted = Campaign.state.in_(list(states)) & Campaign.revision_id.is_not(None)
    return [_view(row) for row in session.execute(_campaigns().where(wanted).order_by(Campaign.id))]


def list_revisions(session: Session, *, campaign_id: int) -> Sequence[RevisionView]:
    """Return what a campaign has said, the latest first, its draft left out."""
    published = CampaignRevision.published_at.is_not(None)
    query = select(*_columns(CampaignRevision)).where(CampaignRevision.campaign_id == campaign_id, published)
    return [_revision(tuple(row)) for row in session.execute(query.order_by(CampaignRevision.number.desc()))]


def terms_of(session: Session, *, revision_id: int) -> Terms:
    """Return what a revision says, whatever became of its campaign."""
    stored = select(cast(CampaignRevision.terms, Text)).where(CampaignRevision.id == revision_id)
    return read_terms(session.execute(stored).scalar_one())


@lru_cache(maxsize=1_000)
def read_terms(text: str) -> Terms:
    """Read terms once for all members who are reached by them."""
    return parse(json.loads(text))


def _columns(of: Any) -> tuple[Any, ...]:
    return (
        *(of.id, of.number, cast(of.terms, Text).label(None), of.forecast),
        *(of.created_by, of.created_at, of.published_by, of.published_at),
    )


_FORCE, _DRAFT = aliased(CampaignRevision), aliased(CampaignRevision)
_WIDTH = len(_columns(_FORCE))


def _campaigns() -> Select[Any]:
    is_draft = (_DRAFT.campaign_id == Campaign.id) & _DRAFT.published_at.is_(None)
    campaign = Campaign
    return (
        select(
            *(campaign.id, campaign.title, campaign.state, campaign.template),
            *(campaign.started_at, campaign.ended_at, campaign.created_by, campaign.created_at),
            *_columns(_FORCE),
            *_columns(_DRAFT),
        )
        .select_from(campaign)
        .outerjoin(_FORCE, _FORCE.id == campaign.revision_id)
        .outerjoin(_DRAFT, is_draft)
    )


def _view(row: AnyRow) -> CampaignView:
    values = tuple(row)
    campaign_id, title, state, template, started_at, ended_at, created_by, created_at = values[: -2 * _WIDTH]
    return CampaignView(
        id=campaign_id,
        title=title,
        state=CampaignState(state),
        template=template,
        revision=_found(values[-2 * _WIDTH : -_WIDTH]),
        draft=_found(values[-_WIDTH:]),
        started_at=started_at,
        ended_at=ended_at,
        created_by=created_by,
        created_at=created_at,
    )


def _found(values: tuple[Any, ...]) -> RevisionView | None:
    return None if values[0] is None else _revision(values)


def _revision(values: tuple[Any, ...]) -> RevisionView:
    revision_id, number, terms, forecast, *others = values
    return RevisionView(revision_id, number, read_terms(terms), forecast, *others)
