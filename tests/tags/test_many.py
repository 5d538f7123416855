"""Many members from a list: every wrong line is named, and then nobody is changed."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.stores.rules import EVERYTHING, StoreScope
from loyalty.tags import queries, service
from loyalty.tags.rules.lines import (
    GONE,
    LINES_MAX,
    UNKNOWN,
    UNREADABLE,
    InvalidTagLines,
    LineProblem,
    TagLinesRefused,
)
from loyalty.tags.rules.tags import TagArchived
from loyalty.tags.service import Changed
from tests.factories.members import make_member, unused_phone
from tests.factories.stores import make_store
from tests.factories.tags import MARKETER, make_tag, put_tag
from tests.support.statements import StatementCounter


def _tag(
    session: Session, vault: Vault, tag_id: int, *lines: str, at: datetime, scope: StoreScope = EVERYTHING
) -> Changed:
    return service.tag_many(session, vault, tag_id=tag_id, text="\r\n".join(lines), scope=scope, actor=MARKETER, at=at)


def _number(member: Member) -> str:
    return f" {member.number} "


def test_numbers_and_phones_are_tagged_and_who_had_the_tag_is_told_apart(
    session: Session, vault: Vault, at: datetime
) -> None:
    tag_id, phone = make_tag(session), unused_phone()
    had, by_number, by_phone = make_member(session), make_member(session), make_member(session, phone=phone)
    put_tag(session, tag_id, had.id)

    changed = _tag(session, vault, tag_id, _number(had), "", _number(by_number), phone.removeprefix("+86"), at=at)

    assert changed == Changed(changed=2, unchanged=1)
    assert queries.members_of_tag(session, tag_id=tag_id) == [had.id, by_number.id, by_phone.id]
    entry = audit.list_entries(session, subject=f"tag:{tag_id}", action="tags.tag_many")[0]
    assert entry.after == {"member_ids": [by_number.id, by_phone.id]}


def test_every_wrong_line_is_named_with_its_reason_and_nobody_is_changed(
    session: Session, vault: Vault, at: datetime
) -> None:
    tag_id, phone = make_tag(session), unused_phone()
    good, doubled = make_member(session), make_member(session, phone=phone)
    gone = make_member(session, phone=None, status=MemberStatus.MERGED, merged_into_id=good.id)

    with pytest.raises(TagLinesRefused) as refused:
        _tag(
            session, vault, tag_id,
            _number(good), "你好", unused_phone(), _number(gone), "", _number(doubled), phone, at=at,
        )  # fmt: skip

    assert refused.value.problems == (
        LineProblem(2, UNREADABLE),
        LineProblem(3, UNKNOWN),
        LineProblem(4, GONE),
        LineProblem(7, "与第 6 行是同一位会员"),
    )
    assert queries.members_of_tag(session, tag_id=tag_id) == []


def test_whoever_is_outside_of_the_scope_is_as_unknown_as_who_does_not_exist(
    session: Session, vault: Vault, at: datetime
) -> None:
    tag_id, store = make_tag(session), make_store(session)
    scope = StoreScope(is_chain_wide=False, store_ids=frozenset({store.id}))
    ours, elsewhere = make_member(session, enrolled_store_id=store.id), make_member(session)

    with pytest.raises(TagLinesRefused) as refused:
        _tag(session, vault, tag_id, _number(ours), _number(elsewhere), at=at, scope=scope)

    assert refused.value.problems == (LineProblem(2, UNKNOWN),)


def test_an_archived_tag_is_put_on_nobody_and_taken_from_many(session: Session, vault: Vault, at: datetime) -> None:
    tag_id, had, without = make_tag(session), make_member(session), make_member(session)
    put_tag(session, tag_id, had.id)
    service.archive_tag(session, tag_id=tag_id, actor=MARKETER, at=at)

    with pytest.raises(TagArchived):
        _tag(session, vault, tag_id, _number(without), at=at)
    changed = service.untag_many(
        session, vault, tag_id=tag_id, text=f"{had.number}\n{without.number}", scope=EVERYTHING, actor=MARKETER, at=at
    )

    assert changed == Changed(changed=1, unchanged=1)
    assert queries.members_of_tag(session, tag_id=tag_id) == []
    entry = audit.list_entries(session, subject=f"tag:{tag_id}", action="tags.untag_many")[0]
    assert entry.after == {"member_ids": [had.id]}


@pytest.mark.parametrize("lines", [[], ["", "  "], ["0"] * (LINES_MAX + 1)])
def test_an_empty_list_and_one_too_long_are_refused(
    session: Session, vault: Vault, at: datetime, lines: list[str]
) -> None:
    tag_id = make_tag(session)

    with pytest.raises(InvalidTagLines):
        _tag(session, vault, tag_id, *lines, at=at)


def test_a_hundred_members_cost_as_many_statements_as_one(
    session: Session, vault: Vault, at: datetime, statements: StatementCounter
) -> None:
    tag_id, members = make_tag(session), [make_member(session) for _ in range(100)]

    statements.clear()
    changed = _tag(session, vault, tag_id, *map(_number, members), at=at)

    assert changed == Changed(changed=100, unchanged=0)
    assert statements.count == 5
