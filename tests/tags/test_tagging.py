"""Tags on members: put and taken once, moved by a merge, gone with an erasure."""

from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.crypto import Vault
from loyalty.members.rules.members import MemberGone, MemberNotFound, MemberStatus
from loyalty.merging.service import merge
from loyalty.privacy.rules import WAITING_PERIOD
from loyalty.privacy.service import ask_to_close, erase_due, export_data
from loyalty.tags import queries, service
from loyalty.tags.models import MemberTag
from tests.factories.members import make_member
from tests.factories.stores import make_store
from tests.factories.tags import MARKETER, make_tag, put_tag, tags_of
from tests.support.statements import StatementCounter


def _actions(session: Session, member_id: int) -> list[str]:
    return [entry.action for entry in audit.list_entries(session, subject=f"member:{member_id}")]


def test_tagging_twice_equals_once(session: Session, at: datetime) -> None:
    tag_id, member = make_tag(session), make_member(session)

    news = [service.tag_member(session, tag_id=tag_id, member_id=member.id, actor=MARKETER, at=at) for _ in range(2)]

    assert news == [True, False]
    assert tags_of(session, member.id) == {tag_id}
    assert _actions(session, member.id) == ["tags.tag_member"]


def test_untagging_twice_equals_once(session: Session, at: datetime) -> None:
    tag_id, member = make_tag(session), make_member(session)
    put_tag(session, tag_id, member.id)

    taken = [service.untag_member(session, tag_id=tag_id, member_id=member.id, actor=MARKETER, at=at) for _ in range(2)]

    assert taken == [True, False]
    assert tags_of(session, member.id) == set()
    assert _actions(session, member.id) == ["tags.untag_member", "tags.tag_member"]


def test_a_provisional_member_may_be_tagged_and_one_who_is_gone_may_not(session: Session) -> None:
    tag_id, survivor = make_tag(session), make_member(session)
    put_tag(session, tag_id, make_member(session, status=MemberStatus.PROVISIONAL).id)

    with pytest.raises(MemberGone):
        put_tag(session, tag_id, make_member(session, phone=None, status=MemberStatus.CLOSED).id)
    with pytest.raises(MemberGone):
        put_tag(
            session,
            tag_id,
            make_member(session, phone=None, status=MemberStatus.MERGED, merged_into_id=survivor.id).id,
        )
    with pytest.raises(MemberNotFound):
        put_tag(session, tag_id, 2**40)


def test_the_tags_of_a_member_cost_one_statement(session: Session, statements: StatementCounter) -> None:
    tag_ids, member = {make_tag(session), make_tag(session)}, make_member(session)
    for tag_id in tag_ids:
        put_tag(session, tag_id, member.id)

    statements.clear()
    found = tags_of(session, member.id)

    assert (found, statements.count) == (tag_ids, 1)


def test_jobs_go_through_a_tag_page_by_page_and_meet_everybody_once(session: Session) -> None:
    tag_id = make_tag(session)
    member_ids = [make_member(session).id for _ in range(5)]
    put_tag(session, tag_id, *reversed(member_ids))

    pages, after_id = [], 0
    while page := queries.members_of_tag(session, tag_id=tag_id, after_id=after_id, limit=2):
        pages.append(list(page))
        after_id = page[-1]

    assert pages == [member_ids[:2], member_ids[2:4], member_ids[4:]]


def test_the_members_of_a_tag_are_shown_masked_and_within_the_scope(session: Session, vault: Vault) -> None:
    tag_id, store = make_tag(session), make_store(session)
    elsewhere, first, last = (
        make_member(session),
        make_member(session, phone="+8613800009999", enrolled_store_id=store.id),
        make_member(session, enrolled_store_id=store.id),
    )
    put_tag(session, tag_id, elsewhere.id, first.id, last.id)

    page = queries.list_tagged(session, vault=vault, tag_id=tag_id, store_ids=[store.id], limit=1)
    rest = queries.list_tagged(
        session, vault=vault, tag_id=tag_id, store_ids=[store.id], cursor=page.next_cursor, limit=1
    )

    assert [one.member.id for one in (*page.items, *rest.items)] == [last.id, first.id]
    assert rest.next_cursor is None
    assert rest.items[0].member.phone_masked == "138****9999"
    assert rest.items[0].tagged_by == MARKETER.name


def test_a_merge_gives_the_survivor_the_tags_of_both(session: Session, at: datetime) -> None:
    survivor, other = make_member(session), make_member(session)
    only_survivor, both, only_other = (make_tag(session) for _ in range(3))
    put_tag(session, only_survivor, survivor.id)
    put_tag(session, both, survivor.id, other.id)
    put_tag(session, only_other, other.id)

    result = merge(session, survivor_id=survivor.id, other_id=other.id, actor=MARKETER, at=at)

    assert result.moved["member_tags"] == [only_other]
    assert tags_of(session, survivor.id) == {only_survivor, both, only_other}
    assert queries.members_of_tag(session, tag_id=both) == [survivor.id]
    assert queries.get_tag(session, tag_id=both).members == 1


def test_tags_are_exported_and_go_with_the_person(session: Session, vault: Vault, at: datetime) -> None:
    tag_id, member = make_tag(session), make_member(session)
    put_tag(session, tag_id, member.id)
    exported = export_data(session, vault=vault, member_id=member.id, at=at)
    ask_to_close(session, member_id=member.id, at=at)

    erase_due(session, vault=vault, at=at + WAITING_PERIOD)

    assert [row["tag_id"] for row in exported["data"]["member_tags"]] == [tag_id]
    left = select(func.count()).select_from(MemberTag).where(MemberTag.member_id == member.id)
    assert session.scalar(left) == 0
    assert queries.get_tag(session, tag_id=tag_id).members == 0
