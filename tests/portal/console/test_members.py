"""Member pages: scope, masking, search, export, timeline."""

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.points import service as points
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from portal.console.exports import csv_response
from tests.factories.members import make_identity, make_member
from tests.factories.notices import request_notice
from tests.factories.points import earn
from tests.factories.stores import make_store
from tests.portal.console.conftest import Browser, LogIn
from tests.support.statements import StatementCounter

PHONE = "+8613912345678"


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session, name="西湖店")


@pytest.fixture
def member(session: Session, store: Store, at: datetime) -> Member:
    member = make_member(session, phone=PHONE, enrolled_store_id=store.id, nickname="小鱼", enrolled_at=at)
    points.open_account(session, member_id=member.id, at=at)
    session.commit()
    return member


@pytest.fixture
def elsewhere(session: Session) -> Member:
    return make_member(session, enrolled_store_id=make_store(session, name="天河店").id)


@pytest.fixture
def manager(log_in: LogIn, store: Store, member: Member, elsewhere: Member) -> Browser:
    return log_in(Role.STORE_MANAGER, stores=[store])


class TestScope:
    def test_shows_a_manager_the_own_members(self, manager: Browser, member: Member, elsewhere: Member) -> None:
        page = manager.text("/console/members")

        assert member.number in page
        assert elsewhere.number not in page

    def test_hides_others_on_every_path(self, manager: Browser, elsewhere: Member) -> None:
        here = f"/console/members/{elsewhere.id}"

        assert manager.get(here).status_code == 404
        assert manager.get(f"{here}/entries").status_code == 404
        assert "没有找到" in manager.submit("/console/members/find", who=elsewhere.number)

    def test_hides_members_of_no_store(self, manager: Browser, session: Session) -> None:
        online = make_member(session)
        session.commit()

        assert manager.get(f"/console/members/{online.id}").status_code == 404

    def test_refuses_a_filter_by_another_store(self, manager: Browser, elsewhere: Member) -> None:
        response = manager.get(f"/console/members?store_id={elsewhere.enrolled_store_id}")

        assert response.status_code == 404

    def test_keeps_the_phone_of_others_masked(
        self, log_in: LogIn, store: Store, member: Member, elsewhere: Member
    ) -> None:
        browser = log_in(Role.RISK, stores=[store])

        assert browser.post(f"/console/members/{elsewhere.id}/phone").status_code == 404


class TestSearch:
    @pytest.mark.parametrize("who", ["13912345678", "+86 139 1234 5678", " 139-1234-5678 "])
    def test_finds_by_phone_however_typed(self, admin: Browser, member: Member, who: str) -> None:
        response = admin.post("/console/members/find", who=who)

        assert response.location == f"/console/members/{member.id}"

    def test_finds_by_number(self, admin: Browser, member: Member) -> None:
        response = admin.post("/console/members/find", who=member.number)

        assert response.location == f"/console/members/{member.id}"

    @pytest.mark.parametrize("who", ["", "13900000000", "小鱼", "x" * 400])
    def test_says_when_nobody_fits(self, admin: Browser, who: str) -> None:
        assert "没有找到该会员" in admin.submit("/console/members/find", who=who)


class TestList:
    def test_is_filtered_by_status_and_branch(
        self, admin: Browser, session: Session, store: Store, member: Member
    ) -> None:
        closing = make_member(session, status=MemberStatus.CLOSING)
        session.commit()

        by_status = admin.text("/console/members?status=closing")
        by_store = admin.text(f"/console/members?store_id={store.id}")

        assert closing.number in by_status
        assert member.number not in by_status
        assert member.number in by_store
        assert closing.number not in by_store

    def test_shows_each_member_once_over_its_pages(self, admin: Browser, session: Session) -> None:
        numbers = {make_member(session).number for _ in range(45)}
        session.commit()

        seen: list[str] = []
        address: str | None = "/console/members"
        while address:
            page = admin.text(address)
            seen += re.findall(r'/console/members/\d+">(\d{10})<', page)
            found = re.search(r'href="([^"]+)">下一页', page)
            address = found.group(1).replace("&amp;", "&") if found else None

        assert len(seen) == len(set(seen))
        assert numbers <= set(seen)

    def test_never_shows_a_full_phone(self, admin: Browser, member: Member) -> None:
        page = admin.text("/console/members")

        assert "139****5678" in page
        assert PHONE[3:] not in page

    def test_sends_as_many_statements_for_one_row_as_for_twenty(
        self, admin: Browser, session: Session, member: Member, statements: StatementCounter
    ) -> None:
        def sent() -> int:
            session.expire_all()
            statements.clear()
            admin.text("/console/members")
            return statements.count

        few = sent()
        for _ in range(19):
            make_member(session, enrolled_store_id=member.enrolled_store_id)
        session.commit()

        assert sent() == few
        assert few <= 6


class TestExport:
    def test_is_masked_filtered_and_audited(
        self, admin: Browser, session: Session, store: Store, member: Member, elsewhere: Member
    ) -> None:
        response = admin.post(f"/console/members/export?store_id={store.id}")

        exported = response.get_data(as_text=True)
        assert f"{member.number},正常,139****5678,西湖店" in exported
        assert elsewhere.number not in exported
        assert "attachment" in response.headers["Content-Disposition"]
        entry = audit.list_entries(session, action="members.export")[0]
        assert entry.after == {"rows": 1, "status": "", "store_id": str(store.id)}

    def test_needs_its_own_permission(self, manager: Browser) -> None:
        assert manager.post("/console/members/export").status_code == 403

    def test_holds_nothing_that_a_spreadsheet_would_run(self, app: object) -> None:
        rows = [("=1+1", "+86", "-2", "@x", "\tx", -2, None)]

        exported = csv_response("x", ("a",), rows).get_data(as_text=True)

        assert exported == "\ufeffa\r\n'=1+1,'+86,'-2,'@x,'\tx,-2,\r\n"


class TestMemberPage:
    def test_shows_what_is_known(self, admin: Browser, session: Session, member: Member, at: datetime) -> None:
        make_identity(session, member=member, is_following=True)
        earn(session, member.id, 120, at=at, expires_at=at + timedelta(days=30))
        request_notice(session, member_id=member.id, at=at)
        session.commit()

        page = admin.text(f"/console/members/{member.id}")

        for shown in ("小鱼", "139****5678", "西湖店", "已关注", "消费获得120积分", "积分变动提醒", "入会"):
            assert shown in page
        assert "有效期至 2026-04-09" in page
        assert PHONE[3:] not in page

    def test_shows_the_full_phone_on_demand_and_notes_who_looked(
        self, admin: Browser, session: Session, member: Member
    ) -> None:
        assert admin.staff is not None

        page = admin.post(f"/console/members/{member.id}/phone").get_data(as_text=True)

        assert PHONE in page
        entry = audit.list_entries(session, subject=f"member:{member.id}")[0]
        assert (entry.action, entry.actor) == ("members.reveal_phone", f"staff:{admin.staff.id}")
        assert PHONE not in str(entry.after)
        assert "查看完整手机号" in admin.text(f"/console/members/{member.id}")

    def test_offers_the_full_phone_to_those_who_may(self, manager: Browser, member: Member) -> None:
        assert "显示完整号码" not in manager.text(f"/console/members/{member.id}")
        assert manager.post(f"/console/members/{member.id}/phone").status_code == 403

    def test_shows_the_whole_statement_page_by_page(
        self, admin: Browser, session: Session, member: Member, at: datetime
    ) -> None:
        for number in range(25):
            earn(session, member.id, 100 + number, at=at)
        session.commit()

        first = admin.text(f"/console/members/{member.id}/entries")
        found = re.search(r'href="([^"]+)">下一页', first)

        assert found is not None
        assert "+124" in first
        assert "+100" in admin.text(found.group(1).replace("&amp;", "&"))

    def test_escapes_what_members_typed(self, admin: Browser, session: Session) -> None:
        member = make_member(session, nickname="<script>x</script>")
        session.commit()

        page = admin.text(f"/console/members/{member.id}")

        assert "<script>x" not in page
        assert "&lt;script&gt;x" in page
