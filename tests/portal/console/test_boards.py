"""Boards for headquarters and stores: who sees what, where a figure leads, and what is downloaded."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.members.models import Member
from loyalty.points import service as points
from loyalty.reports.rollups.standing import recount_standings
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.campaign_results import RunningCampaign
from tests.factories.coupons import make_template
from tests.factories.members import make_member
from tests.factories.points import earn
from tests.factories.rollups import roll
from tests.factories.stores import make_headquarters, make_region, make_store
from tests.portal.console.conftest import Browser, LogIn, download

PERIOD = "since=2026-03-01&until=2026-03-10"
FIRST = date(2026, 3, 1)


@pytest.fixture
def region(session: Session) -> Store:
    make_headquarters(session)
    return make_region(session)


@pytest.fixture
def shops(session: Session, region: Store, at: datetime) -> list[Store]:
    """Two stores of a region, whose members were given 11,111 and 22,222 points, and 44,444 online; all rolled."""
    stores = [make_store(session, parent=region, name=name) for name in ("东门店", "西门店")]
    for store, given in [*zip(stores, (11_111, 22_222), strict=True), (None, 44_444)]:
        member: Member = make_member(session, enrolled_store_id=store.id if store else None, enrolled_at=at)
        points.open_account(session, member_id=member.id, at=at)
        earn(session, member.id, given, at=at)
    roll(session, at=at)
    recount_standings(session, at=at)
    session.commit()
    return stores


class TestBoard:
    def test_leads_from_headquarters_to_regions_to_stores(
        self, admin: Browser, region: Store, shops: list[Store]
    ) -> None:
        chain = admin.text(f"/console/boards?{PERIOD}")
        assert "77,777" in chain
        assert f'store_id={region.id}">华东区</a>' in chain
        assert "线上（没有门店）" in chain

        part = admin.text(f"/console/boards?{PERIOD}&store_id={region.id}")
        assert "33,333" in part
        assert "44,444" not in part
        assert f'store_id={shops[0].id}">东门店</a>' in part

        one = admin.text(f"/console/boards?{PERIOD}&store_id={shops[0].id}")
        assert f'store_id={region.id}">华东区</a> ›' in one
        assert ("11,111" in one, "33,333" in one, 'id="below"' in one) == (True, False, False)

    def test_shows_a_store_manager_the_own_store_only(self, log_in: LogIn, shops: list[Store]) -> None:
        manager = log_in(Role.STORE_MANAGER, stores=[shops[0]])

        page = manager.text(f"/console/boards?{PERIOD}")

        assert ("11,111" in page, "22,222" in page, "77,777" in page, "西门店" in page) == (True, False, False, False)
        assert manager.get(f"/console/boards?store_id={shops[1].id}").status_code == 404
        for path in ("days.json", "days.csv", "stores.csv"):
            assert manager.get(f"/console/boards/{path}?store_id={shops[1].id}").status_code == 404
        (row,) = download(manager, f"boards/stores.csv?{PERIOD}")
        assert (row["门店"], row["发放积分"]) == ("东门店", "11111")

    def test_gives_those_of_several_stores_a_row_for_each(self, log_in: LogIn, shops: list[Store]) -> None:
        page = log_in(Role.REGION_MANAGER, stores=shops).text(f"/console/boards?{PERIOD}")

        assert ("我的全部门店" in page, "33,333" in page, "东门店" in page, "西门店" in page) == (True,) * 4

    def test_leads_from_uses_to_their_rows(self, admin: Browser, shops: list[Store]) -> None:
        page = admin.text(f"/console/boards?{PERIOD}&store_id={shops[0].id}")

        assert f"/console/redemptions?since=2026-03-01&amp;until=2026-03-10&amp;store_id={shops[0].id}" in page

    def test_counts_the_campaigns_that_run_and_leads_to_them(
        self, admin: Browser, session: Session, shops: list[Store], at: datetime
    ) -> None:
        for state in ("running", "running", "paused"):
            RunningCampaign(session, make_template(session), at=at, state=state)
        session.commit()

        assert 'href="/console/campaigns?state=running">2</a>' in admin.text(f"/console/boards?{PERIOD}")

    @pytest.mark.parametrize("topic", ["members", "points", "coupons", "purchases"])
    def test_draws_each_topic(self, admin: Browser, shops: list[Store], topic: str) -> None:
        data = admin.get(f"/console/boards/days.json?{PERIOD}&topic={topic}").get_json()

        assert (len(data["days"]), data["days"][-1]) == (10, "2026-03-10")
        assert {len(one["figures"]) for one in data["series"]} == {10}

    def test_downloads_every_day_with_all_figures(self, admin: Browser, shops: list[Store]) -> None:
        rows = download(admin, f"boards/days.csv?{PERIOD}")

        assert [row["日期"] for row in rows][:: len(rows) - 1] == ["2026-03-01", "2026-03-10"]
        assert (rows[-1]["发放积分"], rows[-1]["新会员"], rows[-1]["消费净额（元）"]) == ("77777", "3", "0")

    @pytest.mark.parametrize(
        "query", ["topic=x", "since=x", "since=2026-03-11&until=2026-03-10", "since=2020-01-01", "until=9999-12-31"]
    )
    def test_refuses_what_makes_no_sense(self, admin: Browser, query: str) -> None:
        for path in ("", "/days.json", "/days.csv", "/stores.csv"):
            assert admin.get(f"/console/boards{path}?{query}").status_code == 422


class TestSleepers:
    @pytest.fixture(autouse=True)
    def asleep(self, session: Session, shops: list[Store], at: datetime) -> list[Member]:
        """A member of each of the two stores who did nothing for long."""
        sleepers: list[Member] = [make_member(session, enrolled_store_id=shop.id, enrolled_at=at) for shop in shops]
        for member in sleepers:
            member.last_active_at = at - timedelta(days=91)
        recount_standings(session, at=at)
        session.commit()
        return sleepers

    def test_are_where_the_board_leads(self, admin: Browser, shops: list[Store], asleep: list[Member]) -> None:
        there = f"/console/boards/sleeping?store_id={shops[0].id}"
        assert f'href="{there}">1</a>' in admin.text(f"/console/boards?{PERIOD}&store_id={shops[0].id}")

        page = admin.text(there)

        assert page.count('data-testid="row"') == 1
        assert (asleep[0].number in page, "东门店" in page, "2025-12-09" in page) == (True, True, True)

    def test_are_those_of_the_own_stores_only(self, log_in: LogIn, shops: list[Store], asleep: list[Member]) -> None:
        manager = log_in(Role.STORE_MANAGER, stores=[shops[0]])

        page = manager.text("/console/boards/sleeping")

        assert (asleep[0].number in page, asleep[1].number in page) == (True, False)
        assert manager.get(f"/console/boards/sleeping?store_id={shops[1].id}").status_code == 404

    def test_are_downloaded_with_an_audit(self, admin: Browser, session: Session, asleep: list[Member]) -> None:
        answer = admin.post("/console/boards/sleeping/export")

        lines = answer.get_data(as_text=True).splitlines()
        assert {line.partition(",")[0] for line in lines[1:]} == {member.number for member in asleep}
        assert [entry.subject for entry in audit.list_entries(session, action="boards.export")] == [
            "figure:sleeping_members"
        ]


class TestRows:
    def test_of_each_figure_of_a_day_are_where_the_board_leads(self, admin: Browser, shops: list[Store]) -> None:
        board = admin.text(f"/console/boards?{PERIOD}&store_id={shops[0].id}")
        there = f"/console/boards/rows?figure=points_issued&amp;day=2026-03-10&amp;store_id={shops[0].id}"
        assert f'href="{there}">11,111</a>' in board

        page = admin.text(there.replace("&amp;", "&"))

        assert page.count('data-testid="row"') == 1
        assert ("11,111" in page, "/entries/" in page) == (True, True)

    def test_are_those_of_the_own_stores_only(self, log_in: LogIn, shops: list[Store]) -> None:
        manager = log_in(Role.STORE_MANAGER, stores=[shops[0]])

        page = manager.text("/console/boards/rows?figure=points_issued&day=2026-03-10")

        assert ("11,111" in page, page.count('data-testid="row"')) == (True, 1)
        assert manager.get(f"/console/boards/rows?figure=check_ins&store_id={shops[1].id}").status_code == 404

    def test_are_downloaded_with_an_audit(self, admin: Browser, session: Session, shops: list[Store]) -> None:
        answer = admin.post("/console/boards/rows/export?figure=points_issued&day=2026-03-10")

        lines = answer.get_data(as_text=True).splitlines()
        assert sorted(int(line.rpartition(",")[2]) for line in lines[1:]) == [11_111, 22_222, 44_444]
        assert len(audit.list_entries(session, action="boards.export")) == 1

    @pytest.mark.parametrize("query", ["", "figure=coupon_revenue_fen", "figure=check_ins&day=x", "figure=x"])
    def test_that_make_no_sense_are_refused(self, admin: Browser, query: str) -> None:
        assert admin.get(f"/console/boards/rows?{query}").status_code == 422
