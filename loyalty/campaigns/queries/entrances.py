"""Reads of the ways into campaigns: where each leads, and who came and took part."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntrance, CampaignEntry, CampaignVisit
from loyalty.campaigns.rules.entering import CampaignEntranceNotFound
from loyalty.campaigns.rules.entries import EntranceKind, EntryState
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.kernel.texts import is_storable
from loyalty.stores.rules import StoreScope


@dataclass(frozen=True, slots=True)
class EntranceView:
    """A way into a campaign; the store is whose code it is."""

    id: int
    campaign_id: int
    kind: EntranceKind
    store_id: int | None
    token: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class EntranceListed:
    """A way into a campaign with what it brought."""

    entrance: EntranceView
    visits: int
    visitors: int
    """Members among them, each once; strangers are only counted as visits."""
    taken_part: int
    """Entries that were given something."""


def find_entrance(session: Session, *, token: str) -> EntranceView:
    """Return the entrance of a token.

    Raises:
        CampaignEntranceNotFound: there is none.
    """
    if not is_storable(token):
        raise CampaignEntranceNotFound
    return _one(session, CampaignEntrance.token == token)


def get_entrance(session: Session, *, entrance_id: int, scope: StoreScope) -> EntranceView:
    """Return an entrance that the scope sees; one of no store everybody sees.

    Raises:
        CampaignEntranceNotFound: there is none, or it belongs to a store elsewhere.
    """
    entrance = _one(session, CampaignEntrance.id == entrance_id)
    if entrance.store_id is not None and not scope.covers(entrance.store_id):
        raise CampaignEntranceNotFound(entrance_id=entrance_id)
    return entrance


def list_entrances(
    session: Session,
    *,
    campaign_id: int,
    scope: StoreScope,
    kind: EntranceKind | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[EntranceListed]:
    """Return the ways into a campaign that the scope sees, the oldest first, with what each brought.

    Of an entrance of no store, such as the link, a store sees the address and not the figures of the chain.

    Raises:
        InvalidCursor: the cursor is not ours.
    """
    entrance = CampaignEntrance
    query = _entrances().where(entrance.campaign_id == campaign_id).order_by(entrance.id).limit(limit + 1)
    if kind is not None:
        query = query.where(entrance.kind == kind)
    if not scope.is_chain_wide:
        query = query.where(entrance.store_id.is_(None) | entrance.store_id.in_(scope.store_ids))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(entrance.id > last_id)
    views = [_view(row) for row in session.execute(query)]
    counted = [view.id for view in views if scope.covers(view.store_id)]
    visits, taken = _visits(session, counted), _taken_part(session, campaign_id, counted)
    listed = [EntranceListed(view, *visits.get(view.id, (0, 0)), taken.get(view.id, 0)) for view in views]
    return page_of(listed, limit=limit, id_of=lambda one: one.entrance.id)


def _visits(session: Session, entrance_ids: list[int]) -> dict[int, tuple[int, int]]:
    visit = CampaignVisit
    rows = session.execute(
        select(visit.entrance_id, func.count(), func.count(visit.member_id.distinct()))
        .where(visit.entrance_id.in_(entrance_ids))
        .group_by(visit.entrance_id)
    )
    return {entrance_id: (visits, visitors) for entrance_id, visits, visitors in rows}


def _taken_part(session: Session, campaign_id: int, entrance_ids: list[int]) -> dict[int | None, int]:
    entry = CampaignEntry
    is_done = (entry.campaign_id == campaign_id) & (entry.state == EntryState.DONE)
    rows = session.execute(
        select(entry.entrance_id, func.count())
        .where(is_done, entry.entrance_id.in_(entrance_ids))
        .group_by(entry.entrance_id)
    )
    return {entrance_id: taken for entrance_id, taken in rows}


def _one(session: Session, is_wanted: Any) -> EntranceView:
    row = session.execute(_entrances().where(is_wanted)).one_or_none()
    if row is None:
        raise CampaignEntranceNotFound
    return _view(row)


def _entrances() -> Select[*tuple[Any, ...]]:
    one = CampaignEntrance
    return select(one.id, one.campaign_id, one.kind, one.store_id, one.token, one.created_at)


def _view(row: Any) -> EntranceView:
    entrance_id, campaign_id, kind, store_id, token, created_at = row
    return EntranceView(entrance_id, campaign_id, EntranceKind(kind), store_id, token, created_at)
