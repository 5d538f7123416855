"""Tag pages: who sees whom, who may change what, lists of members, chips on a member's page."""

import re
from collections.abc import Collection

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from loyalty.tags import queries
from tests.factories.members import make_member
from tests.factories.stores import make_store
from tests.factories.tags import make_tag, put_tag
from tests.portal.console.conftest import Browser, LogIn
from tests.support.statements import StatementCounter

PHONE = "+8613912345678"
HERE = "/console/tags"


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session, name="西湖店")


@pytest.fixture
def ours(session: Session, store: Store) -> Member:
    return make_member(session, phone=PHONE, enrolled_store_id=store.id)


@pytest.fixture
def elsewhere(session: Session) -> Member:
    return make_member(session, enrolled_store_id=make_store(session, name="天河店").id)


@pytest.fixture
def tag_id(session: Session, ours: Member, elsewhere: Member) -> int:
    tag_id = make_tag(session, name="茶友")
    put_tag(session, tag_id, ours.id, elsewhere.id)
    session.commit()
    return tag_id


@pytest.fixture
def manager(log_in: LogIn, store: Store, tag_id: int) -> Browser:
    return log_in(Role.STORE_MANAGER, stores=[store])


def _holders(session: Session, tag_id: int) -> Collection[int]:
    session.expire_all()
    return queries.members_of_tag(session, tag_id=tag_id)


class TestList:
    def test_is_filtered_exported_and_leads_to_a_new_tag(self, admin: Browser, session: Session, tag_id: int) -> None:
        make_tag(session, name="旧标签", is_archived=True)
        session.commit()

        created = admin.submit(HERE, name="咖啡爱好者", note="常点咖啡")

        assert "已新增：咖啡爱好者" in created
        assert "旧标签" in admin.text(HERE)
        assert "旧标签" not in admin.text(f"{HERE}?state=in_use")
        assert "旧标签" in admin.text(f"{HERE}?state=archived")
        assert "茶友" not in admin.text(f"{HERE}?text=咖啡")
        exported = admin.get(f"{HERE}.csv?text=茶").get_data(as_text=True)
        assert "茶友,,2,在用" in exported
        assert "咖啡" not in exported

    def test_refuses_a_name_that_is_taken_and_keeps_what_was_typed(self, admin: Browser, tag_id: int) -> None:
        response = admin.post(HERE, name="茶友", note="我写的说明")

        assert response.status_code == 409
        assert "已有同名的标签" in response.get_data(as_text=True)
        assert "我写的说明" in response.get_data(as_text=True)

    def test_sends_as_many_statements_for_one_tag_as_for_twenty(
        self, admin: Browser, session: Session, tag_id: int, statements: StatementCounter
    ) -> None:
        def sent() -> int:
            session.expire_all()
            statements.clear()
            admin.text(HERE)
            return statements.count

        few = sent()
        for _ in range(19):
            make_tag(session)
        session.commit()

        assert sent() == few


class TestOneTag:
    def test_shows_its_members_masked_page_by_page(self, admin: Browser, session: Session, tag_id: int) -> None:
        members = [make_member(session) for _ in range(25)]
        put_tag(session, tag_id, *(member.id for member in members))
        session.commit()

        first = admin.text(f"{HERE}/{tag_id}")
        found = re.search(r'href="([^"]+)">下一页', first)

        assert found is not None
        rest = admin.text(found.group(1).replace("&amp;", "&"))
        seen = re.findall(r'/console/members/\d+">(\d{10})<', first + rest)
        assert len(seen) == len(set(seen)) == 27
        assert "139****5678" in rest
        assert PHONE[3:] not in first + rest

    def test_is_renamed_archived_and_restored(self, admin: Browser, session: Session, tag_id: int) -> None:
        assert "标签 茶客" in admin.submit(f"{HERE}/{tag_id}", name="茶客", note="")
        assert "已停用" in admin.submit(f"{HERE}/{tag_id}/archive")
        assert "已恢复使用" in admin.submit(f"{HERE}/{tag_id}/restore")

        session.expire_all()
        actions = [entry.action for entry in audit.list_entries(session, subject=f"tag:{tag_id}")]
        assert actions == ["tags.restore", "tags.archive", "tags.rename", "tags.create"]
        shown = admin.text(f"/console/audit?subject=tag:{tag_id}")
        assert "恢复标签" in shown

    def test_its_members_are_exported_masked_within_the_scope_and_audited(
        self, log_in: LogIn, session: Session, store: Store, ours: Member, elsewhere: Member, tag_id: int
    ) -> None:
        browser = log_in(Role.REGION_MANAGER, stores=[store])

        exported = browser.post(f"{HERE}/{tag_id}/members/export").get_data(as_text=True)

        assert f"{ours.number},正常,139****5678" in exported
        assert elsewhere.number not in exported
        session.expire_all()
        assert audit.list_entries(session, action="tags.export_members")[0].after == {"rows": 1}

    def test_that_does_not_exist_is_not_found(self, admin: Browser) -> None:
        assert admin.get(f"{HERE}/{2**40}").status_code == 404
        assert admin.get(f"{HERE}/{2**40}/members").status_code == 404


class TestScope:
    def test_a_manager_sees_and_counts_the_own_members_of_a_tag(
        self, manager: Browser, ours: Member, elsewhere: Member, tag_id: int
    ) -> None:
        page = manager.text(f"{HERE}/{tag_id}")

        assert ours.number in page
        assert elsewhere.number not in page
        assert "1（您数据范围内的）" in page

    def test_a_manager_changes_no_tag_of_the_chain(self, manager: Browser, session: Session, tag_id: int) -> None:
        attempts = [
            manager.get(f"{HERE}/new"),
            manager.post(HERE, name="店里的标签"),
            manager.post(f"{HERE}/{tag_id}", name="改名"),
            manager.post(f"{HERE}/{tag_id}/archive"),
            manager.post(f"{HERE}/{tag_id}/restore"),
        ]

        assert {response.status_code for response in attempts} == {403}
        assert queries.names(session, [tag_id]) == {tag_id: "茶友"}
        assert "新增标签" not in manager.text(HERE)

    def test_a_manager_tags_and_untags_nobody_elsewhere(
        self, manager: Browser, session: Session, elsewhere: Member, tag_id: int
    ) -> None:
        other_id = make_tag(session)
        session.commit()

        manager.post(f"/console/members/{elsewhere.id}/tags", tag_id=other_id)
        manager.post(f"/console/members/{elsewhere.id}/tags/{tag_id}/remove")
        refused = manager.post(f"{HERE}/{tag_id}/members", act="take", members=elsewhere.number)

        assert refused.status_code == 422
        assert "没有找到该会员，或不在您的数据范围内" in refused.get_data(as_text=True)
        assert _holders(session, other_id) == []
        assert elsewhere.id in _holders(session, tag_id)

    @pytest.mark.parametrize("role", [Role.FINANCE, Role.RISK, Role.AUDITOR])
    def test_who_may_only_look_changes_nothing(
        self, log_in: LogIn, session: Session, ours: Member, tag_id: int, role: Role
    ) -> None:
        browser = log_in(role)

        page = browser.text(f"/console/members/{ours.id}")
        removed = browser.post(f"/console/members/{ours.id}/tags/{tag_id}/remove")

        assert "茶友" in page
        assert "取下标签" not in page
        assert removed.status_code == 403
        assert browser.get(f"{HERE}/{tag_id}/members").status_code == 403


class TestLists:
    def test_a_list_of_numbers_and_phones_is_tagged_and_untagged(
        self, manager: Browser, session: Session, store: Store, ours: Member
    ) -> None:
        other, tag_id = make_member(session, enrolled_store_id=store.id), make_tag(session)
        session.commit()
        lines = f"{other.number}\r\n\r\n139 1234 5678\r\n"

        put = manager.submit(f"{HERE}/{tag_id}/members", act="put", members=lines)

        assert "已给 2 位会员打上标签，另有 0 位原来就有" in put
        assert _holders(session, tag_id) == [ours.id, other.id]
        taken = manager.submit(f"{HERE}/{tag_id}/members", act="take", members=other.number)
        assert "已取下 1 位会员的标签，另有 0 位原来就没有" in taken
        assert _holders(session, tag_id) == [ours.id]

    def test_wrong_lines_are_named_what_was_typed_is_kept_and_nobody_is_changed(
        self, admin: Browser, session: Session, ours: Member
    ) -> None:
        tag_id = make_tag(session)
        session.commit()

        refused = admin.post(f"{HERE}/{tag_id}/members", act="put", members=f"{ours.number}\n你好<b>\n13912345678")
        page = refused.get_data(as_text=True)

        assert refused.status_code == 422
        assert "不正确的 2 行" in page
        assert re.search(r'<td class="num">2</td><td>不是会员号，也不是手机号</td>', page)
        assert re.search(r'<td class="num">3</td><td>与第 1 行是同一位会员</td>', page)
        assert "你好&lt;b&gt;" in page
        assert _holders(session, tag_id) == []

    @pytest.mark.parametrize("fields", [{"members": "1"}, {"act": "drop", "members": "1"}])
    def test_what_the_form_does_not_offer_is_refused(self, admin: Browser, tag_id: int, fields: dict[str, str]) -> None:
        assert admin.post(f"{HERE}/{tag_id}/members", **fields).status_code == 422


class TestMemberPage:
    def test_shows_the_tags_and_puts_and_takes_them(
        self, manager: Browser, session: Session, ours: Member, tag_id: int
    ) -> None:
        other_id = make_tag(session, name="新客")
        session.commit()
        here = f"/console/members/{ours.id}"

        assert "已打上标签" in manager.submit(f"{here}/tags", tag_id=other_id)
        assert _holders(session, other_id) == [ours.id]
        page = manager.submit(f"{here}/tags/{tag_id}/remove")

        assert "已取下标签" in page
        assert f"/console/members/{ours.id}/tags/{other_id}/remove" in page
        assert f"/console/members/{ours.id}/tags/{tag_id}/remove" not in page
        assert "打标签" in page  # in the timeline

    def test_says_why_an_archived_tag_and_one_who_is_gone_are_refused(self, admin: Browser, session: Session) -> None:
        archived_id, tag_id = make_tag(session, is_archived=True), make_tag(session)
        member, gone = make_member(session), make_member(session, phone=None, status=MemberStatus.CLOSED)
        session.commit()

        assert "标签已停用" in admin.submit(f"/console/members/{member.id}/tags", tag_id=archived_id)
        assert "该会员已注销或已合并" in admin.submit(f"/console/members/{gone.id}/tags", tag_id=tag_id)
        assert admin.post(f"/console/members/{member.id}/tags", tag_id="x").status_code == 422
