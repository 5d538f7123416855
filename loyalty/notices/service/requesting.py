"""Asking for a notice: once for each member, kind and subject, with its inbox message at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.database import Json
from loyalty.kernel.outbox import OutboxEvent
from loyalty.notices import queries, rules
from loyalty.notices.models import InboxMessage, Notice
from loyalty.notices.rules import NoticeKind, NoticeState


@dataclass(frozen=True, slots=True)
class NoticeRequest:
    """What one of many members is owed to hear; ``subject`` is unique among all members."""

    member_id: int
    subject: str
    facts: Json


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
    one = NoticeRequest(member_id, subject, rules.checked_facts(kind, facts))
    settings = queries.kind_settings(session, kind)
    if not settings.is_enabled:
        return None
    if acted_at is None and settings.is_own_act:
        acted_at = at
    return _owe(session, kind, [one], acted_at, zone, at).get(subject)


def request_many(
    session: Session, *, kind: NoticeKind, requests: Sequence[NoticeRequest], zone: ZoneInfo, at: datetime
) -> Mapping[str, int]:
    """Owe a page of members a notice of one kind, as ``request`` does one; return the new ids by subject.

    A few statements, however many members: for jobs that tell a great many of them.

    Raises:
        InvalidNoticeFacts: the facts are not those the kind declares.
    """
    checked = [replace(one, facts=rules.checked_facts(kind, one.facts)) for one in requests]
    settings = queries.kind_settings(session, kind)
    if not checked or not settings.is_enabled:
        return {}
    return _owe(session, kind, checked, at if settings.is_own_act else None, zone, at)


def _owe(
    session: Session,
    kind: NoticeKind,
    requests: Sequence[NoticeRequest],
    acted_at: datetime | None,
    zone: ZoneInfo,
    at: datetime,
) -> Mapping[str, int]:
    rows = session.execute(
        insert(Notice)
        .on_conflict_do_nothing(index_elements=["member_id", "kind", "subject"])
        .returning(Notice.id, Notice.subject),
        [_row(kind, one, acted_at, at) for one in requests],
    )
    made = {row.subject: row.id for row in rows}
    fresh = [one for one in requests if one.subject in made]
    if fresh:
        session.execute(insert(InboxMessage), [_message(kind, one, made[one.subject], zone, at) for one in fresh])
        payloads = [{"notice_id": made[one.subject]} for one in fresh]
        session.execute(
            insert(OutboxEvent),
            [{"kind": "notice.requested", "payload": payload, "recorded_at": at} for payload in payloads],
        )
    return made


def _row(kind: NoticeKind, request: NoticeRequest, acted_at: datetime | None, at: datetime) -> Json:
    return {
        "member_id": request.member_id,
        "kind": kind.value,
        "subject": request.subject,
        "facts": request.facts,
        "state": NoticeState.QUEUED.value,
        "acted_at": acted_at,
        "requested_at": at,
    }


def _message(kind: NoticeKind, request: NoticeRequest, notice_id: int, zone: ZoneInfo, at: datetime) -> Json:
    title, body = rules.inbox_text(kind, request.facts, zone=zone)
    return {
        "member_id": request.member_id,
        "notice_id": notice_id,
        "kind": kind.value,
        "title": title,
        "body": body,
        "created_at": at,
    }
