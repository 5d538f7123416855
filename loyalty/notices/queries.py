"""Reads of notices: what waits, what was sent, the inbox, and how many grants are left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.notices.models import (
    InboxMessage,
    Notice,
    NoticeDelivery,
    NoticeKindSettings,
    QuietHoursRow,
)
from loyalty.notices.rules import (
    COUNTED_STATES,
    KINDS,
    Channel,
    DeliveryState,
    KindSettings,
    NoticeKind,
    NoticeState,
    QuietHours,
)


@dataclass(frozen=True, slots=True)
class InboxView:
    """One inbox message as its member reads it."""

    id: int
    kind: str
    title: str
    body: str
    created_at: datetime
    read_at: datetime | None
    link: str | None
    """The path of ours that a tap opens."""
    page: str | None
    """The page of the mini program that a tap opens."""

    @property
    def is_read(self) -> bool:
        """Whether the member has opened it."""
        return self.read_at is not None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One attempt to reach one identity, for the console."""

    channel: str
    identity_id: int
    state: str
    attempts: int
    started_at: datetime
    settled_at: datetime | None
    reason: str | None
    errcode: int | None


@dataclass(frozen=True, slots=True)
class NoticeView:
    """One notice with its attempts, for the console."""

    id: int
    kind: str
    title: str
    subject: str
    state: str
    requested_at: datetime
    due_at: datetime | None
    """Held back until then."""
    deliveries: Sequence[DeliveryView]


@dataclass(frozen=True, slots=True)
class NoticeCounts:
    """What an engineer watches: messages that wait, hang, or may or may not have arrived."""

    queued: int
    held: int
    sending: int
    unknown: int


def list_inbox(
    session: Session, *, member_id: int, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[InboxView]:
    """Return a page of a member's inbox (站内消息), newest first.

    Raises:
        InvalidCursor: the cursor is not ours.
    """
    query = select(InboxMessage).where(InboxMessage.member_id == member_id)
    before = decode_cursor(cursor)
    if before is not None:
        query = query.where(InboxMessage.id < before)
    rows = session.scalars(query.order_by(InboxMessage.id.desc()).limit(limit + 1)).all()
    views = [
        InboxView(row.id, row.kind, row.title, row.body, row.created_at, row.read_at, row.link, row.page)
        for row in rows
    ]
    return page_of(views, limit=limit, id_of=lambda view: view.id)


def count_unread(session: Session, *, member_id: int) -> int:
    """Return how many inbox messages a member has not read."""
    unread = (InboxMessage.member_id == member_id) & InboxMessage.read_at.is_(None)
    return session.scalar(select(func.count()).select_from(InboxMessage).where(unread)) or 0


def list_notices(
    session: Session, *, member_id: int, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[NoticeView]:
    """Return a page of a member's notices with their deliveries, newest first.

    Raises:
        InvalidCursor: the cursor is not ours.
    """
    query = select(Notice).where(Notice.member_id == member_id)
    before = decode_cursor(cursor)
    if before is not None:
        query = query.where(Notice.id < before)
    notices = session.scalars(query.order_by(Notice.id.desc()).limit(limit + 1)).all()
    deliveries = _deliveries_of(session, [notice.id for notice in notices])
    views = [_view_of(notice, deliveries.get(notice.id, [])) for notice in notices]
    return page_of(views, limit=limit, id_of=lambda view: view.id)


def _deliveries_of(session: Session, notice_ids: Sequence[int]) -> dict[int, list[DeliveryView]]:
    rows = session.scalars(
        select(NoticeDelivery).where(NoticeDelivery.notice_id.in_(notice_ids)).order_by(NoticeDelivery.id)
    )
    deliveries: dict[int, list[DeliveryView]] = {}
    for row in rows:
        view = DeliveryView(
            row.channel, row.identity_id, row.state, row.attempts,
            row.started_at, row.settled_at, row.reason, row.errcode,
        )  # fmt: skip
        deliveries.setdefault(row.notice_id, []).append(view)
    return deliveries


def _view_of(notice: Notice, deliveries: Sequence[DeliveryView]) -> NoticeView:
    title = KINDS[NoticeKind(notice.kind)].title
    return NoticeView(
        notice.id, notice.kind, title, notice.subject, notice.state,
        notice.requested_at, notice.due_at, deliveries,
    )  # fmt: skip


def kind_settings(session: Session, kind: NoticeKind) -> KindSettings:
    """Return what holds for a kind of notice: what headquarters set, else its defaults."""
    row = session.get(NoticeKindSettings, kind.value)
    return KINDS[kind].defaults if row is None else _settings(row)


def all_kind_settings(session: Session) -> dict[NoticeKind, KindSettings]:
    """Return what holds for every kind of notice."""
    rows = {row.kind: row for row in session.scalars(select(NoticeKindSettings))}
    return {kind: _settings(rows[kind]) if kind in rows else KINDS[kind].defaults for kind in KINDS}


def _settings(row: NoticeKindSettings) -> KindSettings:
    return KindSettings(
        is_enabled=row.is_enabled,
        channels=tuple(Channel(name) for name in row.channels),
        is_own_act=row.is_own_act,
    )


def count_notices(session: Session) -> NoticeCounts:
    """Count what waits, hangs or is unknown, for metrics and the console's start page."""
    queued = select(
        func.count().filter(Notice.due_at.is_(None)), func.count().filter(Notice.due_at.is_not(None))
    ).where(Notice.state == NoticeState.QUEUED)
    by_state = select(
        func.count().filter(NoticeDelivery.state == DeliveryState.SENDING),
        func.count().filter(NoticeDelivery.state == DeliveryState.UNKNOWN),
    ).where(NoticeDelivery.state.in_((DeliveryState.SENDING, DeliveryState.UNKNOWN)))
    waiting, held = session.execute(queued).one()
    sending, unknown = session.execute(by_state).one()
    return NoticeCounts(queued=waiting, held=held, sending=sending, unknown=unknown)


def count_messages_since(session: Session, *, member_id: int, since: datetime) -> int:
    """Return how many messages of ours reached, or may have reached, a member's phone since then."""
    return (
        session.scalar(
            select(func.count())
            .select_from(NoticeDelivery)
            .where(
                NoticeDelivery.member_id == member_id,
                NoticeDelivery.started_at >= since,
                NoticeDelivery.state.in_(COUNTED_STATES),
            )
        )
        or 0
    )


def quiet_hours(session: Session) -> QuietHours:
    """Return the quiet hours (免打扰) that were saved last, else the defaults."""
    row = QuietHoursRow
    saved = session.execute(select(row.begins, row.ends).order_by(row.id.desc()).limit(1)).first()
    return QuietHours() if saved is None else QuietHours(*saved)


def is_any_waiting(session: Session, *, since: datetime, at: datetime) -> bool:
    """Tell whether a notice that was requested since then waits to be sent, held back by nothing any more."""
    is_free = or_(Notice.due_at.is_(None), Notice.due_at <= at)
    waiting = select(Notice.id).where(Notice.state == NoticeState.QUEUED, is_free, Notice.requested_at >= since)
    return session.scalar(waiting.limit(1)) is not None


def list_stale_deliveries(session: Session, *, before: datetime, limit: int) -> Sequence[int]:
    """Return the ids of deliveries whose latest attempt began before then and has no answer yet."""
    latest_attempt = func.coalesce(NoticeDelivery.resent_at, NoticeDelivery.started_at)
    return session.scalars(
        select(NoticeDelivery.id)
        .where(NoticeDelivery.state == DeliveryState.SENDING, latest_attempt < before)
        .order_by(NoticeDelivery.started_at)
        .limit(limit)
    ).all()
