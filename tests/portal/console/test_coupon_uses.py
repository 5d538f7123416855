"""Uses of coupons and what coupons came to: their lists, their files, and staff who undo a use."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.queries.redemptions import get_redemption
from loyalty.coupons.rules.states import IssuePath, Standing
from loyalty.kernel import audit
from loyalty.members.models import Member
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.coupons import issue_to
from tests.factories.points import AT
from tests.factories.stores import make_store
from tests.portal.console.conftest import Browser, LogIn
from tests.portal.console.test_coupons import rows, standing_of, use

DAY = timedelta(days=1)


class TestRedemptions:
    def test_are_narrowed_by_store_template_day_and_actor(
        self, admin: Browser, session: Session, member: Member, store: Store, template_id: int
    ) -> None:
        coupons = [issue_to(session, member.id, template_id, at=AT - 3 * DAY).coupon_id for _ in range(2)]
        use(session, member.id, coupons[0], store_id=store.id, at=AT - 2 * DAY)
        use(session, member.id, coupons[1])
        session.commit()

        def shown(query: str) -> list[str]:
            return [row["券号"] for row in rows(admin.post(f"/console/redemptions/export?{query}"))]

        first, second = map(str, coupons)
        assert shown(f"template_id={template_id}") == [second, first]
        assert shown(f"store_id={store.id}") == [first]
        assert shown("since=2026-03-10&actor=system:till") == [second]
        assert shown("until=2026-03-08") == [first]
        assert shown("actor=partner:9") == []
        assert "早鸟券" in admin.text(f"/console/redemptions?store_id={store.id}")

    def test_are_seen_and_reversed_at_stores_of_ones_own(
        self, log_in: LogIn, session: Session, member: Member, store: Store, template_id: int
    ) -> None:
        coupons = [issue_to(session, member.id, template_id).coupon_id for _ in range(2)]
        here, elsewhere = (
            use(session, member.id, coupon_id, store_id=place.id)
            for coupon_id, place in zip(coupons, (store, make_store(session, name="别处店")), strict=True)
        )
        manager = log_in(Role.STORE_MANAGER, stores=[store])

        page = manager.text("/console/redemptions")
        assert ("西湖店" in page, "别处店" in page) == (True, False)
        refused = manager.submit(f"/console/redemptions/{elsewhere}/reverse", reason="mistake")
        assert "没有找到该核销记录" in refused
        for _ in range(2):
            assert "已撤销" in manager.submit(f"/console/redemptions/{here}/reverse", reason="mistake")

        undone = get_redemption(session, redemption_id=here)
        assert undone.reversed_by == f"staff:{manager.staff.id}"  # type: ignore[union-attr]
        assert standing_of(session, coupons[0]) is Standing.USABLE
        assert get_redemption(session, redemption_id=elsewhere).reversed_at is None
        assert len(audit.list_entries(session, action="coupons.reverse")) == 1
        assert log_in(Role.MARKETER).post(f"/console/redemptions/{here}/reverse", reason="mistake").status_code == 403

    def test_of_a_store_beyond_the_scope_are_not_asked_for(self, log_in: LogIn, session: Session, store: Store) -> None:
        manager = log_in(Role.STORE_MANAGER, stores=[make_store(session)])

        assert manager.get(f"/console/redemptions?store_id={store.id}").status_code == 404


class TestTheReport:
    def test_shows_figures_and_sends_them(
        self, admin: Browser, session: Session, member: Member, store: Store, template_id: int
    ) -> None:
        coupons = [issue_to(session, member.id, template_id, path=IssuePath.CLAIM).coupon_id for _ in range(4)]
        use(session, member.id, coupons[0], store_id=store.id)
        session.commit()

        page = admin.text(f"/console/coupon-report?template_id={template_id}")
        assert "25.0%" in page
        assert "¥80.00" in page
        assert "西湖店" in page
        data = admin.get(f"/console/coupon-report/days.json?template_id={template_id}").get_json()
        assert (len(data["days"]), [one["figures"][-1] for one in data["series"]]) == (30, [4, 1, 20])
        here = f"template_id={template_id}"
        (row, total) = rows(admin.get(f"/console/coupon-report.csv?{here}"))
        assert (row["名称"], row["发放"], row["使用率"], row["用券实付（元）"]) == ("早鸟券", "4", "25.0%", "80")
        assert total["优惠成本（元）"] == "20"
        (at_store,) = rows(admin.get(f"/console/coupon-report/stores.csv?{here}"))
        assert (at_store["门店"], at_store["核销"]) == ("西湖店", "1")
        days = rows(admin.get(f"/console/coupon-report/days.csv?{here}&since=2026-03-09&until=2026-03-10"))
        assert [(day["日期"], day["核销"]) for day in days] == [("2026-03-09", "0"), ("2026-03-10", "1")]

    def test_counts_only_what_the_caller_may_see(
        self, log_in: LogIn, session: Session, member: Member, template_id: int
    ) -> None:
        use(session, member.id, issue_to(session, member.id, template_id).coupon_id)
        manager = log_in(Role.STORE_MANAGER, stores=[make_store(session)])

        assert "这些天没有发放，也没有核销" in manager.text("/console/coupon-report")
        assert rows(manager.get("/console/coupon-report.csv"))[-1]["发放"] == "0"

    @pytest.mark.parametrize(
        "query",
        [
            "since=2026-03-11&until=2026-03-10",
            "since=2020-01-01",
            "until=0001-01-01",
            "since=0001-01-01&until=0001-01-30",
            "until=9999-12-31",
        ],
    )
    def test_refuses_days_that_make_no_sense(self, admin: Browser, query: str) -> None:
        assert admin.get(f"/console/coupon-report?{query}").status_code == 422
