"""Asking for notices, the inbox, and the settings of the kinds."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor, list_entries
from loyalty.kernel.outbox import OutboxEvent
from loyalty.notices import queries, service
from loyalty.notices.models import Notice
from loyalty.notices.rules import Channel, InboxMessageNotFound, NoticeKind
from loyalty.notices.service import NoticeRequest
from tests.factories.members import make_member
from tests.factories.notices import points_facts, request_notice


def events(session: Session) -> list[dict[str, int]]:
    return list(session.scalars(select(OutboxEvent.payload).where(OutboxEvent.kind == "notice.requested")))


def test_a_notice_is_owed_once_for_each_subject(session: Session, at: datetime, zone: ZoneInfo) -> None:
    member = make_member(session)
    notice_id = request_notice(session, member_id=member.id, at=at, subject="entry:1")

    again = service.request(
        session, member_id=member.id, kind=NoticeKind.POINTS_CHANGED, subject="entry:1",
        facts=points_facts(), zone=zone, at=at,
    )  # fmt: skip

    assert again is None
    assert events(session) == [{"notice_id": notice_id}]
    assert queries.count_unread(session, member_id=member.id) == 1


def test_the_inbox_holds_the_message_before_anything_is_sent(session: Session, at: datetime) -> None:
    member = make_member(session)
    request_notice(session, member_id=member.id, at=at)

    message = queries.list_inbox(session, member_id=member.id).items[0]

    assert message.title == "积分变动提醒"
    assert message.body.startswith("消费获得10积分")
    assert not message.is_read


def test_a_kind_that_is_switched_off_leaves_nothing(session: Session, at: datetime, zone: ZoneInfo) -> None:
    member = make_member(session)

    notice_id = service.request(
        session, member_id=member.id, kind=NoticeKind.CHECK_IN_RECORDED, subject="entry:1",
        facts=points_facts(), zone=zone, at=at,
    )  # fmt: skip

    assert notice_id is None
    assert events(session) == []
    assert queries.list_inbox(session, member_id=member.id).items == []


def test_headquarters_switch_a_kind_on_and_the_audit_says_so(session: Session, at: datetime, zone: ZoneInfo) -> None:
    member = make_member(session)
    service.configure_kind(
        session, kind=NoticeKind.CHECK_IN_RECORDED, is_enabled=True, channels=["subscription", "inbox"],
        is_own_act=True, actor=Actor("staff:1"), at=at,
    )  # fmt: skip

    notice_id = service.request(
        session, member_id=member.id, kind=NoticeKind.CHECK_IN_RECORDED, subject="entry:1",
        facts=points_facts(), zone=zone, at=at,
    )  # fmt: skip

    assert notice_id is not None
    settings = queries.kind_settings(session, NoticeKind.CHECK_IN_RECORDED)
    assert settings.channels == (Channel.SUBSCRIPTION, Channel.INBOX)
    entry = list_entries(session, subject="notice_kind:check_in_recorded")[0]
    assert (entry.before or {})["is_enabled"] is False
    assert (entry.after or {})["is_enabled"] is True


def test_reading_the_inbox_counts_down_and_stays_within_the_member(session: Session, at: datetime) -> None:
    member, other = make_member(session), make_member(session)
    for _ in range(3):
        request_notice(session, member_id=member.id, at=at)
    first = queries.list_inbox(session, member_id=member.id, limit=2)
    assert len(first.items) == 2
    rest = queries.list_inbox(session, member_id=member.id, cursor=first.next_cursor)
    assert len(rest.items) == 1

    service.mark_read(session, member_id=member.id, message_id=first.items[0].id, at=at)
    service.mark_read(session, member_id=member.id, message_id=first.items[0].id, at=at + timedelta(days=1))

    assert queries.count_unread(session, member_id=member.id) == 2
    assert queries.list_inbox(session, member_id=member.id).items[0].read_at == at
    with pytest.raises(InboxMessageNotFound):
        service.mark_read(session, member_id=other.id, message_id=first.items[1].id, at=at)
    assert service.mark_all_read(session, member_id=member.id, at=at) == 2
    assert queries.count_unread(session, member_id=member.id) == 0


def test_a_kind_that_answers_an_own_act_does_so_for_one_member_and_for_many(
    session: Session, at: datetime, zone: ZoneInfo
) -> None:
    one, another = make_member(session), make_member(session)
    service.configure_kind(
        session, kind=NoticeKind.POINTS_CHANGED, is_enabled=True, channels=["inbox"],
        is_own_act=True, actor=Actor("staff:1"), at=at,
    )  # fmt: skip

    request_notice(session, member_id=one.id, at=at)
    requests = [NoticeRequest(another.id, "entry:of-another", points_facts())]
    service.request_many(session, kind=NoticeKind.POINTS_CHANGED, requests=requests, zone=zone, at=at)

    assert session.scalars(select(Notice.acted_at).order_by(Notice.id)).all() == [at, at]
