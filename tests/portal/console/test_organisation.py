"""Pages of stores, staff, the audit log, jobs and events."""

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from loyalty.kernel import audit, runs
from loyalty.kernel.audit import Actor
from loyalty.kernel.outbox import OutboxEvent
from loyalty.staff import queries as staff_queries
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.staff import PASSWORD, make_staff
from tests.factories.stores import make_headquarters, make_region, make_store
from tests.portal.console.conftest import Browser, LogIn


class TestStores:
    def test_are_added_renamed_closed_and_opened_again(self, admin: Browser, session: Session) -> None:
        parent_id = make_headquarters(session).id
        session.commit()

        page = admin.submit("/console/stores", kind="store", parent_id=parent_id, code="BJ-1", name="王府井店")
        assert "已新增：王府井店" in page
        store = session.scalars(select(Store).where(Store.code == "BJ-1")).one()
        here = f"/console/stores/{store.id}"
        assert "东单店" in admin.submit(here, name="东单店", address="东单大街 1 号")
        assert "已停业" in admin.submit(f"{here}/close")
        assert "已恢复营业" in admin.submit(f"{here}/reopen")

    def test_a_mistake_keeps_what_was_typed(self, admin: Browser, session: Session) -> None:
        parent_id = make_headquarters(session).id
        session.commit()

        response = admin.post("/console/stores", kind="store", parent_id=parent_id, code="有 空格", name="王府井店")

        page = response.get_data(as_text=True)
        assert response.status_code == 422
        assert "门店信息不正确" in page
        assert 'value="王府井店"' in page

    def test_a_manager_sees_the_own_branch_only(self, log_in: LogIn, session: Session) -> None:
        mine, other = make_region(session, name="华东区"), make_region(session, name="华南区")
        make_store(session, parent=mine, name="西湖店")
        make_store(session, parent=other, name="天河店")

        browser = log_in(Role.REGION_MANAGER, stores=[mine])

        for page in (browser.text("/console/stores"), browser.text("/console/stores.csv")):
            assert "西湖店" in page
            assert "天河店" not in page

    def test_outside_the_scope_do_not_exist(self, log_in: LogIn, session: Session) -> None:
        mine, other = make_store(session), make_store(session)
        browser = log_in(Role.HEADQUARTERS_ADMIN, stores=[mine])

        assert browser.get(f"/console/stores/{other.id}").status_code == 404
        assert browser.post(f"/console/stores/{other.id}/close").status_code == 404
        assert browser.get(f"/console/stores/{mine.id}").status_code == 200

    def test_are_filtered_by_text_and_state(self, admin: Browser, session: Session) -> None:
        make_store(session, name="西湖店")
        make_store(session, name="天河店")
        session.commit()

        assert "天河店" not in admin.text("/console/stores?text=西湖")
        assert "没有符合条件的门店" in admin.text("/console/stores?state=closed")


class TestStaff:
    def test_are_added_with_a_password_shown_once(self, admin: Browser, session: Session, stranger: Browser) -> None:
        store_id = make_headquarters(session).id
        session.commit()

        response = admin.post(
            "/console/staff",
            username="wang.min",
            name="王敏",
            roles=["marketer", "finance"],
            store_ids=[str(store_id)],
        )
        page = response.get_data(as_text=True)
        found = re.search(r'<code class="secret">([^<]+)</code>', page)

        assert found is not None
        logged_in = stranger.post("/console/login", username="wang.min", password=found.group(1))
        assert logged_in.status_code == 303
        assert stranger.get("/console/members").location == "/console/password"

    def test_a_mistake_keeps_what_was_typed(self, admin: Browser) -> None:
        response = admin.post("/console/staff", username="wang.min", name="王敏", roles=["auditor"])

        page = response.get_data(as_text=True)
        assert response.status_code == 422
        assert "请至少选择一个角色和一个数据范围" in page
        assert 'value="wang.min"' in page
        assert re.search(r'value="auditor" checked', page)

    @pytest.mark.parametrize("fields", [{"roles": ["king"]}, {"store_ids": ["x"]}])
    def test_refuses_choices_that_were_not_offered(self, admin: Browser, fields: dict[str, list[str]]) -> None:
        response = admin.post("/console/staff", username="wang.min", name="王敏", **fields)

        assert response.status_code == 422

    def test_change_roles_and_scope(self, admin: Browser, session: Session) -> None:
        staff, store = make_staff(session, Role.CLERK), make_store(session)
        session.commit()

        admin.submit(f"/console/staff/{staff.id}", name="李雷", roles=["risk"], store_ids=[str(store.id)])

        session.expire_all()
        view = staff_queries.get_staff(session, staff_id=staff.id)
        assert (view.name, view.roles, view.scope_ids) == ("李雷", (Role.RISK,), (store.id,))

    def test_cannot_switch_themselves_off(self, admin: Browser, session: Session) -> None:
        assert admin.staff is not None

        page = admin.submit(f"/console/staff/{admin.staff.id}/off")

        assert "不能停用自己" in page

    def test_are_switched_off_and_on(self, admin: Browser, session: Session, stranger: Browser) -> None:
        staff = make_staff(session, Role.AUDITOR)
        session.commit()

        admin.submit(f"/console/staff/{staff.id}/off")
        refused = stranger.post("/console/login", username=staff.username, password=PASSWORD)
        admin.submit(f"/console/staff/{staff.id}/on")
        admitted = stranger.post("/console/login", username=staff.username, password=PASSWORD)

        assert (refused.status_code, admitted.status_code) == (401, 303)

    def test_get_a_new_first_password(self, admin: Browser, session: Session, stranger: Browser) -> None:
        staff = make_staff(session, Role.AUDITOR)
        session.commit()

        page = admin.post(f"/console/staff/{staff.id}/password").get_data(as_text=True)
        found = re.search(r'<code class="secret">([^<]+)</code>', page)

        assert found is not None
        old = stranger.post("/console/login", username=staff.username, password=PASSWORD)
        new = stranger.post("/console/login", username=staff.username, password=found.group(1))
        assert (old.status_code, new.status_code) == (401, 303)

    def test_are_exported_as_filtered(self, admin: Browser, session: Session) -> None:
        make_staff(session, Role.RISK, username="risky")
        make_staff(session, Role.CLERK, username="clerky")
        session.commit()

        exported = admin.text("/console/staff.csv?role=risk")

        assert exported.startswith("\ufeff登录名")
        assert "risky" in exported
        assert "clerky" not in exported


class TestAuditLog:
    def write(self, session: Session, at: datetime, count: int = 1, **values: object) -> None:
        entry = {"action": "stores.rename", "subject": "store:1", "at": at} | values
        for _ in range(count):
            audit.write(session, actor=Actor("staff:77", "10.1.2.3"), **entry)  # type: ignore[arg-type]
        session.commit()

    def test_shows_before_and_after(self, admin: Browser, session: Session, at: datetime) -> None:
        self.write(
            session,
            at,
            before={"name": "旧名", "code": "SAME"},
            after={"name": "<b>新名</b>", "code": "SAME"},
        )

        page = admin.text("/console/audit?actor=staff:77")

        assert "修改门店" in page
        assert "旧名" in page
        assert "&lt;b&gt;新名&lt;/b&gt;" in page
        assert "SAME" not in page

    def test_is_filtered(self, admin: Browser, session: Session, at: datetime) -> None:
        self.write(session, at, subject="store:11")
        self.write(session, at - timedelta(days=3), subject="store:22")

        assert "store:22" not in admin.text("/console/audit?subject=store:11")
        since = admin.text("/console/audit?actor=staff:77&since=2026-03-09")
        assert "store:11" in since
        assert "store:22" not in since
        until = admin.text("/console/audit.csv?actor=staff:77&until=2026-03-07")
        assert "store:22" in until
        assert "store:11" not in until

    def test_goes_on_to_the_next_page_with_the_same_filter(
        self, admin: Browser, session: Session, at: datetime
    ) -> None:
        self.write(session, at, count=25)
        self.write(session, at, subject="store:2")

        first = admin.text("/console/audit?subject=store:1")
        found = re.search(r'href="([^"]+)">下一页', first)

        assert found is not None
        second = admin.text(found.group(1).replace("&amp;", "&"))
        assert first.count("修改门店") == 20
        assert second.count("修改门店") == 5
        assert "没有更多了" in second


class TestJobBoard:
    def test_shows_results_and_failures(self, admin: Browser, session: Session, at: datetime) -> None:
        for job in ("expire_lots", "seal_ledger"):
            runs.claim(session, job=job, slot="2026-03-10", business_on=at.date(), at=at)
        runs.finish(session, job="expire_lots", slot="2026-03-10", result={"lots": 12}, at=at)
        runs.fail(session, job="seal_ledger", slot="2026-03-10", error="out of paper")
        session.commit()

        page = admin.text("/console/jobs")

        assert "lots 12" in page
        assert "out of paper" in page


class TestDeadEvents:
    def make_event(self, session: Session, at: datetime, *, is_dead: bool) -> int:
        event_id = session.scalars(
            insert(OutboxEvent)
            .values(
                kind="points.earned",
                payload={"entry_id": 4711},
                recorded_at=at,
                attempts=12,
                last_error="KeyError",
                dead_at=at if is_dead else None,
            )
            .returning(OutboxEvent.id)
        ).one()
        session.commit()
        return event_id

    def test_are_listed_and_tried_again_once(self, admin: Browser, session: Session, at: datetime) -> None:
        event_id = self.make_event(session, at, is_dead=True)

        assert "entry_id=4711" in admin.text("/console/events")
        assert "已安排重试" in admin.submit(f"/console/events/{event_id}/retry")
        assert "没有失败的事件" in admin.text("/console/events")
        assert "已经重试" in admin.submit(f"/console/events/{event_id}/retry")
        session.expire_all()
        event = session.get_one(OutboxEvent, event_id)
        assert (event.dead_at, event.attempts) == (None, 0)

    def test_waiting_ones_are_left_alone(self, admin: Browser, session: Session, at: datetime) -> None:
        event_id = self.make_event(session, at, is_dead=False)

        admin.submit(f"/console/events/{event_id}/retry")

        session.expire_all()
        assert session.get_one(OutboxEvent, event_id).attempts == 12
