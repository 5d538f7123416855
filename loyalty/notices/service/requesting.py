"""Asking for a notice: once for each member, kind and subject, with its inbox message at once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, DateTime, Select, Text, bindparam, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from loyalty.kernel.arrays import SentArray
from loyalty.kernel.database import Json
from loyalty.kernel.outbox import OutboxEvent
from loyalty.notices import queries, rules
from loyalty.notices.models import InboxMessage, Notice
from loyalty.notices.rules import NoticeKind, NoticeState

_INSTANT = DateTime(timezone=True)


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

    One statement, however many members: for jobs that tell a great many of them.

    Raises:
        InvalidNoticeFacts: the facts are not those the kind declares.
    """
    for one in requests:
        rules.checked_facts(kind, one.facts)
    settings = queries.kind_settings(session, kind)
    if not requests or not settings.is_enabled:
        return {}
    return _owe(session, kind, requests, at if settings.is_own_act else None, zone, at)


def _owe(
    session: Session,
    kind: NoticeKind,
    requests: Sequence[NoticeRequest],
    acted_at: datetime | None,
    zone: ZoneInfo,
    at: datetime,
) -> Mapping[str, int]:
    texts = [rules.inbox_text(kind, one.facts, zone=zone) for one in requests]
    sent = {
        "member_ids": [one.member_id for one in requests],
        "subjects": [one.subject for one in requests],
        "documents": [json.dumps(one.facts, ensure_ascii=False) for one in requests],
        "titles": [title for title, _body in texts],
        "bodies": [body for _title, body in texts],
        "kind_name": kind.value,
        "acts_at": acted_at,
        "now": at,
    }
    return {row.subject: row.id for row in session.execute(_OWE, sent)}


def _owe_statement() -> Select[Any]:
    """Write notices, and for those that are new their inbox messages and events: one statement for any number."""
    arrays = [bindparam("member_ids", type_=SentArray(BigInteger()))]
    arrays += [bindparam(name, type_=SentArray(Text())) for name in ("subjects", "documents", "titles", "bodies")]
    given = (
        func.unnest(*arrays)
        .table_valued("member_id", "subject", "facts", "title", "body", name="given")
        .render_derived()
    )
    one = given.c
    kind, now = bindparam("kind_name", type_=Text), bindparam("now", type_=_INSTANT)
    made = (
        insert(Notice)
        .from_select(
            ["member_id", "kind", "subject", "facts", "state", "acted_at", "requested_at"],
            select(
                one.member_id, kind, one.subject, cast(one.facts, JSONB), literal_column(f"'{NoticeState.QUEUED}'"),
                bindparam("acts_at", type_=_INSTANT), now,
            ),
        )
        .on_conflict_do_nothing(index_elements=["member_id", "kind", "subject"])
        .returning(Notice.id, Notice.member_id, Notice.subject)
        .cte("made")
    )  # fmt: skip
    is_of_notice = (one.member_id == made.c.member_id) & (one.subject == made.c.subject)
    messages = insert(InboxMessage).from_select(
        ["member_id", "notice_id", "kind", "title", "body", "created_at"],
        select(made.c.member_id, made.c.id, kind, one.title, one.body, now).join_from(made, given, is_of_notice),
    )
    events = insert(OutboxEvent).from_select(
        ["kind", "payload", "recorded_at"],
        select(literal_column("'notice.requested'"), func.jsonb_build_object("notice_id", made.c.id), now),
    )
    return select(made.c.subject, made.c.id).add_cte(messages.cte("messages"), events.cte("events"))


_OWE = _owe_statement()
