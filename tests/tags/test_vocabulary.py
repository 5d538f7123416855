"""The list of tags: names, archiving, and what is audited."""

from datetime import datetime

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.tags import queries, service
from loyalty.tags.models import Tag
from loyalty.tags.rules.tags import (
    IN_USE_MAX,
    InvalidTag,
    TagArchived,
    TagNameTaken,
    TagNotFound,
    TooManyTags,
)
from tests.factories.members import make_member
from tests.factories.stores import make_store
from tests.factories.tags import MARKETER, make_tag, put_tag, tags_of


@pytest.mark.parametrize("name", ["", "  ", "一" * 21, "茶,咖啡", "茶、咖啡", "茶；咖啡", "茶\n咖啡", "茶\0", "\ud83d"])
def test_a_name_that_could_not_be_listed_is_refused(session: Session, at: datetime, name: str) -> None:
    with pytest.raises(InvalidTag):
        service.create_tag(session, name=name, actor=MARKETER, at=at)


def test_a_note_too_long_is_refused(session: Session, at: datetime) -> None:
    with pytest.raises(InvalidTag):
        service.create_tag(session, name="茶友", note="长" * 201, actor=MARKETER, at=at)


def test_two_tags_never_have_one_name_even_when_one_is_archived(session: Session, at: datetime) -> None:
    make_tag(session, name="茶友", is_archived=True)
    other_id = make_tag(session, name="酒友")

    with pytest.raises(TagNameTaken):
        service.create_tag(session, name=" 茶友 ", actor=MARKETER, at=at)
    with pytest.raises(TagNameTaken):
        service.rename_tag(session, tag_id=other_id, name="茶友", note=None, actor=MARKETER, at=at)
    assert queries.get_tag(session, tag_id=other_id).name == "酒友"


def test_a_renamed_tag_keeps_its_id_and_its_members_and_says_so_in_the_log(session: Session, at: datetime) -> None:
    tag_id, member = make_tag(session, name="茶友"), make_member(session)
    put_tag(session, tag_id, member.id)

    service.rename_tag(session, tag_id=tag_id, name="茶客", note="常点茶饮", actor=MARKETER, at=at)

    assert queries.names(session, [tag_id]) == {tag_id: "茶客"}
    assert tags_of(session, member.id) == {tag_id}
    entry = audit.list_entries(session, subject=f"tag:{tag_id}", action="tags.rename")[0]
    assert (entry.before or {})["name"] == "茶友"
    assert (entry.after or {})["name"] == "茶客"


def test_an_archived_tag_is_put_on_nobody_and_stays_where_it_is(session: Session, at: datetime) -> None:
    tag_id, had, without = make_tag(session), make_member(session), make_member(session)
    put_tag(session, tag_id, had.id)

    for _ in range(2):
        service.archive_tag(session, tag_id=tag_id, actor=MARKETER, at=at)

    with pytest.raises(TagArchived):
        put_tag(session, tag_id, without.id)
    assert tags_of(session, had.id) == {tag_id}
    assert tag_id not in queries.list_choices(session)
    assert tag_id in queries.list_choices(session, beside=[tag_id])
    assert len(audit.list_entries(session, subject=f"tag:{tag_id}", action="tags.archive")) == 1
    service.restore_tag(session, tag_id=tag_id, actor=MARKETER, at=at)
    put_tag(session, tag_id, without.id)


def test_what_is_done_with_an_unknown_tag_is_refused(session: Session, at: datetime) -> None:
    with pytest.raises(TagNotFound):
        service.archive_tag(session, tag_id=2**40, actor=MARKETER, at=at)
    with pytest.raises(TagNotFound):
        put_tag(session, 2**40, make_member(session).id)
    with pytest.raises(TagNotFound):
        queries.get_tag(session, tag_id=2**40)


def test_no_more_tags_are_in_use_than_a_form_can_offer(session: Session, at: datetime) -> None:
    archived_id, used = make_tag(session, is_archived=True), len(queries.list_choices(session))
    rows = [{"name": f"第 {number} 个", "created_at": at} for number in range(IN_USE_MAX - used)]
    session.execute(insert(Tag), rows)

    with pytest.raises(TooManyTags):
        service.create_tag(session, name="多出来的", actor=MARKETER, at=at)
    with pytest.raises(TooManyTags):
        service.restore_tag(session, tag_id=archived_id, actor=MARKETER, at=at)
    service.archive_tag(session, tag_id=next(iter(queries.list_choices(session))), actor=MARKETER, at=at)
    service.create_tag(session, name="多出来的", actor=MARKETER, at=at)


def test_the_list_is_narrowed_and_counts_those_whom_the_reader_may_see(session: Session) -> None:
    store = make_store(session)
    tag_id, archived_id = make_tag(session, name="百分百_甲"), make_tag(session, name="百分百乙", is_archived=True)
    put_tag(session, tag_id, make_member(session).id, make_member(session, enrolled_store_id=store.id).id)

    assert [tag.id for tag in queries.list_tags(session, text="百分百_")] == [tag_id]
    assert [tag.id for tag in queries.list_tags(session, text="百分百", is_archived=True)] == [archived_id]
    assert queries.list_tags(session, text="百分百_")[0].members == 2
    assert queries.list_tags(session, text="百分百_", store_ids=[store.id])[0].members == 1
