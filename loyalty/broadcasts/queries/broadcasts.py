"""Broadcasts as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Broadcast
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.content import MessageContent
from loyalty.broadcasts.rules.errors import BroadcastNotFound
from loyalty.broadcasts.rules.states import BroadcastState
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of


@dataclass(frozen=True, slots=True)
class BroadcastView:
    """One broadcast (推送任务)."""

    id: int
    subject: str
    content: MessageContent
    channels: tuple[Channel, ...]
    state: BroadcastState
    error: str | None
    members_total: int
    created_at: datetime


def get_broadcast(session: Session, *, broadcast_id: int) -> BroadcastView:
    """Return one broadcast.

    Raises:
        BroadcastNotFound: there is none with this id.
    """
    row = session.get(Broadcast, broadcast_id, populate_existing=True)
    if row is None:
        raise BroadcastNotFound(broadcast_id=broadcast_id)
    return _view(row)


def list_broadcasts(
    session: Session, *, state: BroadcastState | None = None, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[BroadcastView]:
    """Return a page of broadcasts, the newest first.

    Raises:
        InvalidCursor: the cursor is not ours.
    """
    query = select(Broadcast).order_by(Broadcast.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(Broadcast.state == state)
    if (before := decode_cursor(cursor)) is not None:
        query = query.where(Broadcast.id < before)
    rows: Sequence[Broadcast] = session.scalars(query.execution_options(populate_existing=True)).all()
    return page_of([_view(row) for row in rows], limit=limit, id_of=lambda view: view.id)


def list_running(session: Session) -> Sequence[int]:
    """Return the ids of all broadcasts that may send."""
    return session.scalars(
        select(Broadcast.id).where(Broadcast.state == BroadcastState.RUNNING).order_by(Broadcast.id)
    ).all()


def _view(row: Broadcast) -> BroadcastView:
    return BroadcastView(
        id=row.id,
        subject=row.subject,
        content=MessageContent(row.title, row.body, row.link, row.page),
        channels=tuple(Channel(name) for name in row.channels),
        state=BroadcastState(row.state),
        error=row.error,
        members_total=row.members_total,
        created_at=row.created_at,
    )
