"""A member's statement, lots, holds and orders in the console: what they show, who may, and what is noted."""

import csv
import io
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.members.models import Member
from loyalty.orders.rules import RefundLine
from loyalty.points import service as points
from loyalty.points.queries import summary
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.checkout import buy, give_back
from tests.factories.earning import BASE, make_rule, miss_review
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import earn, reverse, spend
from tests.factories.stores import make_store
from tests.portal.console.conftest import Browser, LogIn
from tests.support.statements import StatementCounter

DAY = timedelta(days=1)


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session, name="西湖店")


@pytest.fixture
def member(session: Session, store: Store, at: datetime) -> Member:
    member = make_member(session, enrolled_store_id=store.id)
    points.open_account(session, member_id=member.id, at=at)
    return member


@pytest.fixture
def clerk_of_another(log_in: LogIn, session: Session) -> Browser:
    return log_in(Role.STORE_MANAGER, stores=[make_store(session, name="天河店")])


class TestStatement:
    def test_is_filtered_by_kind_and_month(
        self, admin: Browser, session: Session, member: Member, at: datetime
    ) -> None:
        earn(session, member.id, 701, at=at - 40 * DAY)
        earn(session, member.id, 702, at=at)
        spend(session, member.id, 703, at=at)
        session.commit()
        here = f"/console/members/{member.id}/entries"

        march, spent = admin.text(f"{here}?month=2026-03"), admin.text(f"{here}?month=2026-03&kind=spend")

        assert ("+701" in march, "+702" in march, "-703" in march) == (False, True, True)
        assert ("+702" in spent, "-703" in spent) == (False, True)
        assert "没有符合条件" in admin.text(f"{here}?month=2025-03")

    @pytest.mark.parametrize("query", ["month=2026-13", "month=x", "month=9999-12", "kind=all", "cursor=!!"])
    def test_refuses_a_filter_that_makes_no_sense(self, admin: Browser, member: Member, query: str) -> None:
        assert admin.get(f"/console/members/{member.id}/entries?{query}").status_code == 422

    def test_of_an_entry_shows_where_it_drew_and_what_undid_it(
        self, admin: Browser, session: Session, member: Member, store: Store, at: datetime
    ) -> None:
        earned = earn(session, member.id, 50, at=at, expires_at=at + 5 * DAY, store_id=store.id)
        spent = spend(session, member.id, 20, at=at)
        undone = reverse(session, member.id, spent.entry_id, points=5)
        session.commit()

        page = admin.text(f"/console/members/{member.id}/entries/{spent.entry_id}")

        assert "扣减的批次" in page
        assert "西湖店" in page
        assert f"/entries/{earned.entry_id}" in page
        assert f"/entries/{undone.entry_id}" in page
        assert "产生的批次" in admin.text(f"/console/members/{member.id}/entries/{earned.entry_id}")

    def test_hides_entries_of_others(
        self, admin: Browser, clerk_of_another: Browser, session: Session, member: Member
    ) -> None:
        own = earn(session, member.id, 50)
        other = earn(session, make_member(session).id, 60)
        session.commit()

        assert admin.get(f"/console/members/{member.id}/entries/{other.entry_id}").status_code == 404
        assert clerk_of_another.get(f"/console/members/{member.id}/entries/{own.entry_id}").status_code == 404


class TestExport:
    def test_holds_every_entry_of_the_filter_and_is_audited(
        self, admin: Browser, session: Session, member: Member, at: datetime
    ) -> None:
        for number in range(230):
            earn(session, member.id, 1 + number, at=at)
        spend(session, member.id, 5, at=at)
        session.commit()

        response = admin.post(f"/console/members/{member.id}/entries/export?kind=earn&month=2026-03")

        rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True).removeprefix("\ufeff"))))
        assert [int(row["积分"]) for row in rows] == list(range(230, 0, -1))
        assert rows[0]["原因"] == "消费获得230积分"
        assert rows[0]["入账时间"] == "2026-03-10 10:00"
        (entry,) = audit.list_entries(session, action="points.export_statement")
        assert (entry.subject, entry.after) == (f"member:{member.id}", {"kind": "earn", "month": "2026-03"})

    def test_is_sent_page_by_page(
        self, admin: Browser, session: Session, member: Member, statements: StatementCounter
    ) -> None:
        for number in range(201):
            earn(session, member.id, 1 + number)
        session.commit()
        address = f"/console/members/{member.id}/entries/export"
        token = admin._csrf_token()

        response = admin.client.post(address, data={"csrf_token": token})
        statements.clear()
        sent = [statements.count for _part in response.response]

        assert response.is_streamed
        assert sent == [0, 1, 2, 3]

    def test_needs_its_own_permission_and_the_members_store(
        self, log_in: LogIn, session: Session, member: Member, store: Store
    ) -> None:
        session.commit()
        address = f"/console/members/{member.id}/entries/export"

        assert log_in(Role.STORE_MANAGER, stores=[store]).post(address).status_code == 403
        elsewhere = log_in(Role.REGION_MANAGER, stores=[make_store(session)])
        assert elsewhere.post(address).status_code == 404
        assert audit.list_entries(session, action="points.export_statement") == []


class TestLots:
    def test_come_soonest_first(self, admin: Browser, session: Session, member: Member, at: datetime) -> None:
        earn(session, member.id, 811, at=at)
        earn(session, member.id, 812, at=at, expires_at=at + 5 * DAY)
        earn(session, member.id, 813, at=at, available_at=at + DAY, expires_at=at + 3 * DAY)
        session.commit()

        page = admin.text(f"/console/members/{member.id}/lots")

        assert page.index("消费获得813积分") < page.index("消费获得812积分") < page.index("消费获得811积分")
        assert "2026-03-13" in page
        assert "长期有效" in page


class TestHolds:
    @pytest.fixture
    def hold_id(self, session: Session, member: Member, store: Store, at: datetime) -> int:
        earn(session, member.id, 100, at=at)
        hold = points.place(
            session,
            member_id=member.id,
            points=60,
            reference="checkout:7",
            expires_at=at + timedelta(minutes=30),
            at=at,
            store_id=store.id,
        )
        session.commit()
        return hold.id

    def test_are_released_once_and_the_release_is_audited(
        self, admin: Browser, session: Session, member: Member, hold_id: int, at: datetime
    ) -> None:
        here = f"/console/members/{member.id}/holds"
        assert "冻结中" in admin.text(here)

        pages = [admin.submit(f"{here}/{hold_id}/release") for _ in range(2)]

        assert all("已解冻" in page for page in pages)
        assert summary(session, member_id=member.id, at=at).available == 100
        (entry,) = audit.list_entries(session, action="points.release_hold")
        assert entry.before == {"reference": "checkout:7", "points": 60, "state": "placed"}

    def test_that_were_captured_stay_captured(
        self, admin: Browser, session: Session, member: Member, hold_id: int, at: datetime
    ) -> None:
        points.capture(
            session, member_id=member.id, reference="checkout:7", points=None, explanation={}, occurred_at=at, at=at
        )
        session.commit()

        page = admin.submit(f"/console/members/{member.id}/holds/{hold_id}/release")

        assert "这笔积分冻结已结束" in page
        assert "已扣除" in page
        assert summary(session, member_id=member.id, at=at).available == 40

    def test_are_released_only_by_those_who_may(
        self, admin: Browser, log_in: LogIn, clerk_of_another: Browser, member: Member, hold_id: int
    ) -> None:
        address = f"/console/members/{member.id}/holds/{hold_id}/release"

        assert log_in(Role.AUDITOR).post(address).status_code == 403
        assert clerk_of_another.post(address).status_code == 303
        assert "冻结中" in admin.text(f"/console/members/{member.id}/holds")


class TestOrders:
    def test_show_lines_refunds_and_why_they_earned(
        self, admin: Browser, session: Session, member: Member, store: Store, at: datetime
    ) -> None:
        make_rule(session, BASE, name="消费积分")
        bought = make_purchase(
            member.id, line(1, sku="tea-01", quantity=2, amount_fen=8000), line(2, amount_fen=4000), store_id=store.id
        )
        done = buy(session, bought, at=at)
        give_back(session, make_refund(bought.order_number, RefundLine(2, 1, 4000)), at=at)
        session.commit()

        listed = admin.text(f"/console/members/{member.id}/orders")
        page = admin.text(f"/console/members/{member.id}/orders/{done.order_id}")

        assert bought.order_number in listed
        assert "¥120.00" in listed
        for shown in ("tea-01", "西湖店", "消费积分：", "120 积分", "80 积分", "已处理", "第 2 行 1 件 ¥40.00"):
            assert shown in page, shown

    def test_of_others_are_hidden(self, admin: Browser, session: Session, member: Member, at: datetime) -> None:
        theirs = buy(session, make_purchase(make_member(session).id), at=at)
        session.commit()

        assert admin.get(f"/console/members/{member.id}/orders/{theirs.order_id}").status_code == 404


class TestEvaluations:
    def test_show_which_rule_paid_nothing_and_why_and_are_downloaded(
        self, admin: Browser, session: Session, member: Member, at: datetime
    ) -> None:
        miss_review(session, member.id, at)
        here = f"/console/members/{member.id}/evaluations"

        assert "评价有礼：不在活动的星期" in admin.text(here)
        assert "没有符合条件的记录" in admin.text(f"{here}?event=birthday")
        download = admin.post(f"{here}/export?event=review").get_data(as_text=True)
        assert download.splitlines()[1] == "2026-03-10 10:00,评价,,0,0,,评价有礼：不在活动的星期"
