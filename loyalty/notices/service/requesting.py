"""Asking for a notice: once for each member, kind and subject, with its inbox message at once."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.database import Json
from loyalty.notices import queries, rules
from loyalty.notices.models import InboxMessage, Notice
from loyalty.notices.rules import NoticeKind, NoticeState


def request(
    session: Session,
    *,
    member_id: int,
    kind: NoticeKind,
    subject: str,
    facts: Json,
    zone: ZoneInfo,
    at: datetime,
    acted_at: datetime | None = None,
) -> int | None:
    """Owe a member a notice (通知); return its id, or None when it is owed already or switched off.

    The inbox message is written here, so that the news exists whatever WeChat does with it.
    ``acted_at`` is when the member did what this answers; kinds that always answer an act of the
    member need not say it. Instants among the facts are ISO 8601.

    Raises:
        InvalidNoticeFacts: the facts are not those the kind declares.
    """
    facts = rules.checked_facts(kind, facts)
    settings = queries.kind_settings(session, kind)
    if not settings.is_enabled:
        return None
    if acted_at is None and settings.is_own_act:
        acted_at = at
    notice_id = _insert(session, member_id, kind, subject, facts, acted_at, at)
    if notice_id is None:
        return None
    title, body = rules.inbox_text(kind, facts, zone=zone)
    session.add(
        InboxMessage(member_id=member_id, notice_id=notice_id, kind=kind.value, title=title, body=body, created_at=at)
    )
    outbox.record(session, "notice.requested", {"notice_id": notice_id}, at=at)
    session.flush()
    return notice_id


def _insert(
    session: Session,
    member_id: int,
    kind: NoticeKind,
    subject: str,
    facts: Json,
    acted_at: datetime | None,
    at: datetime,
) -> int | None:
    return session.scalar(
        insert(Notice)
        .values(
            member_id=member_id,
            kind=kind.value,
            subject=subject,
            facts=facts,
            state=NoticeState.QUEUED.value,
            acted_at=acted_at,
            requested_at=at,
        )
        .on_conflict_do_nothing(index_elements=["member_id", "kind", "subject"])
        .returning(Notice.id)
    )
