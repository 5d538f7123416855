from datetime import datetime

from flask import Flask
from sqlalchemy.orm import Session

from loyalty.points import service as points
from loyalty.staff import passwords, queries
from loyalty.staff.rules import Role
from loyalty.stores import queries as stores
from tests.factories.members import make_member
from tests.factories.points import earn
from tests.factories.stores import make_headquarters, make_store
from tests.portal.console.conftest import Browser, LogIn
from tests.support.statements import StatementCounter


class TestStartPage:
    def test_shows_todays_figures_and_what_is_owed(self, admin: Browser, session: Session, at: datetime) -> None:
        member = make_member(session, enrolled_at=at)
        points.open_account(session, member_id=member.id, at=at)
        earn(session, member.id, 98_765, at=at)
        session.commit()

        page = admin.text("/console/dashboard")

        assert "98,765" in page
        assert "未兑付积分" in page
        assert '<th scope="row">2026-03-10</th>' in page

    def test_gives_thirty_days_for_the_chart(self, admin: Browser) -> None:
        data = admin.get("/console/dashboard/days.json").get_json()

        assert len(data["days"]) == 30
        assert data["days"][-1] == "2026-03-10"
        assert {len(one["figures"]) for one in data["series"]} == {30}

    def test_counts_only_what_the_caller_may_see(self, log_in: LogIn, session: Session, at: datetime) -> None:
        member = make_member(session, enrolled_at=at, enrolled_store_id=make_store(session).id)
        points.open_account(session, member_id=member.id, at=at)
        earn(session, member.id, 98_765, at=at)

        browser = log_in(Role.STORE_MANAGER, stores=[make_store(session)])

        assert "98,765" not in browser.text("/console/dashboard")

    def test_takes_few_statements(self, admin: Browser, statements: StatementCounter) -> None:
        statements.clear()
        admin.text("/console/dashboard")

        assert statements.count == 9


class TestStaffCommand:
    def run(self, app: Flask, *arguments: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(args=["staff", "create", *arguments])
        return result.exit_code, result.output

    def test_makes_the_first_account_and_headquarters(self, app: Flask, session: Session) -> None:
        status, output = self.run(app, "boss", "--name", "老板", "--role", "headquarters_admin")

        account = queries.find_by_username(session, username="boss")
        headquarters = stores.find_by_code(session, code="HQ")
        assert status == 0, output
        assert account is not None
        assert headquarters is not None
        assert account.must_change_password
        assert passwords.matches(account.password_hash, output.split()[-1])
        view = queries.get_staff(session, staff_id=account.id)
        assert view.scope_ids == (headquarters.id,)

    def test_scopes_by_store_code(self, app: Flask, session: Session) -> None:
        store = make_store(session)
        session.commit()

        status, output = self.run(app, "manager", "--name", "店长", "--role", "store_manager", "--store", store.code)

        account = queries.find_by_username(session, username="manager")
        assert status == 0, output
        assert account is not None
        assert queries.get_staff(session, staff_id=account.id).scope_ids == (store.id,)

    def test_says_plainly_what_is_wrong(self, app: Flask, session: Session) -> None:
        store = make_headquarters(session)
        session.commit()
        role = ("--name", "甲", "--role", "auditor")

        status, output = self.run(app, "甲", *role, "--store", store.code)
        assert (status, "invalid_username" in output) == (1, True)
        status, output = self.run(app, "someone", *role, "--store", "nowhere")
        assert (status, "No store has the code 'nowhere'" in output) == (1, True)
