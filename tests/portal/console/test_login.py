import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.crypto import Vault
from loyalty.staff import rules, service, totp
from loyalty.staff.rules import Role
from portal.console.access import COOKIE
from tests.factories.staff import ACTOR, PASSWORD, make_caller, make_staff
from tests.portal.console.conftest import Browser, LogIn

WRONG = "登录名或密码不正确"


class TestLogIn:
    def test_leads_to_the_start_page(self, stranger: Browser, session: Session) -> None:
        staff = make_staff(session)
        session.commit()

        response = stranger.post("/console/login", username=staff.username, password=PASSWORD)

        assert response.status_code == 303
        assert response.location == "/console/"
        assert stranger.get("/console/dashboard").status_code == 200

    def test_gives_a_cookie_that_scripts_and_other_sites_cannot_use(self, stranger: Browser, session: Session) -> None:
        staff = make_staff(session)
        session.commit()

        response = stranger.post("/console/login", username=staff.username, password=PASSWORD)

        cookie = next(one for one in response.headers.getlist("Set-Cookie") if one.startswith(COOKIE))
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/console" in cookie

    def test_says_the_same_for_every_reason(self, stranger: Browser, session: Session) -> None:
        staff = make_staff(session)
        inactive = make_staff(session, is_active=False)
        session.commit()

        answers = {
            re.sub(r'value="[^"]*"', "", response.get_data(as_text=True))
            for response in (
                stranger.post("/console/login", username=staff.username, password="wrong-password"),
                stranger.post("/console/login", username=inactive.username, password=PASSWORD),
                stranger.post("/console/login", username="nobody", password=PASSWORD),
            )
        }

        assert len(answers) == 1
        assert WRONG in answers.pop()

    def test_counts_and_audits_refusals_although_they_are_refused(self, stranger: Browser, session: Session) -> None:
        staff = make_staff(session)
        session.commit()
        for _ in range(rules.TRIES_PER_ACCOUNT):
            stranger.post("/console/login", username=staff.username, password="wrong-password")

        response = stranger.post("/console/login", username=staff.username, password=PASSWORD)

        assert response.status_code == 429
        refused = audit.list_entries(session, subject=f"staff:{staff.id}", action="staff.log_in_refused")
        assert len(refused) == rules.TRIES_PER_ACCOUNT

    @pytest.mark.parametrize(
        ("wanted", "location"),
        [
            ("/console/stores?text=1", "/console/stores?text=1"),
            ("https://evil.example/console/", "/console/"),
            ("//evil.example/console/", "/console/"),
            ("/console/\\evil.example", "/console/"),
        ],
    )
    def test_goes_back_to_our_own_pages_only(
        self, stranger: Browser, session: Session, wanted: str, location: str
    ) -> None:
        staff = make_staff(session)
        session.commit()

        response = stranger.post("/console/login", username=staff.username, password=PASSWORD, next=wanted)

        assert response.location == location

    def test_refuses_a_form_without_its_token(self, stranger: Browser) -> None:
        response = stranger.client.post("/console/login", data={"username": "a", "password": "b"})

        assert response.status_code == 400
        assert "页面已过期" in response.get_data(as_text=True)

    @pytest.mark.parametrize("username", ["\U0001f600" * 90, "\0", "' OR 1=1 --", ""])
    def test_takes_any_text_without_failing(self, stranger: Browser, username: str) -> None:
        response = stranger.post("/console/login", username=username, password="\0" * 500)

        assert response.status_code in (401, 422)


class TestWithoutASession:
    def test_leads_to_log_in_and_back(self, stranger: Browser) -> None:
        response = stranger.get("/console/stores?text=x")

        assert response.status_code == 303
        assert response.location == "/console/login?next=/console/stores?text%3Dx"

    def test_tells_htmx_to_go_there(self, stranger: Browser) -> None:
        response = stranger.client.get("/console/stores", headers={"HX-Request": "true"})

        assert response.headers["HX-Redirect"] == "/console/login"

    def test_answers_json_with_json(self, stranger: Browser) -> None:
        response = stranger.client.get("/console/dashboard/days.json", headers={"Accept": "application/json"})

        assert response.status_code == 401
        assert response.get_json()["error"]["code"] == "staff_session_invalid"

    def test_a_forged_cookie_opens_nothing(self, stranger: Browser) -> None:
        stranger.client.set_cookie(COOKIE, "x" * 43, path="/console")

        assert stranger.get("/console/stores").status_code == 303


class TestLogOut:
    def test_ends_the_session(self, admin: Browser) -> None:
        admin.post("/console/logout")

        assert admin.get("/console/stores").status_code == 303


class TestPasswordChange:
    def test_comes_first_with_a_first_password(self, log_in: LogIn) -> None:
        browser = log_in(must_change_password=True)

        assert browser.get("/console/stores").location == "/console/password"
        page = browser.submit("/console/password", current=PASSWORD, new="tall-green-tree", again="tall-green-tree")
        assert "密码已修改" in page
        assert browser.get("/console/stores").status_code == 200

    def test_says_what_is_wrong(self, admin: Browser) -> None:
        def answer(current: str, new: str, again: str) -> str:
            response = admin.post("/console/password", current=current, new=new, again=again)
            assert response.status_code == 422
            return response.get_data(as_text=True)

        assert "两次输入的新密码不一致" in answer(PASSWORD, "tall-green-tree", "tall-green-bush")
        assert "当前密码不正确" in answer("wrong", "tall-green-tree", "tall-green-tree")
        assert "密码须为" in answer(PASSWORD, "short", "short")

    def test_stops_guessing_in_an_open_browser(self, admin: Browser) -> None:
        fields = {"new": "tall-green-tree", "again": "tall-green-tree"}
        for _ in range(rules.TRIES_PER_PASSWORD_CHANGE):
            admin.post("/console/password", current="wrong", **fields)

        assert admin.post("/console/password", current=PASSWORD, **fields).status_code == 429


class TestSecondFactor:
    def secret_on(self, page: str) -> str:
        found = re.search(r'<code class="secret">([A-Z2-7]+)</code>', page)
        assert found is not None
        return found.group(1)

    def test_is_set_up_by_scanning_and_typing_a_code(self, admin: Browser, at: datetime) -> None:
        page = admin.text("/console/second-factor")

        done = admin.submit("/console/second-factor", code=totp.code_at(self.secret_on(page), at))

        assert "<svg" in page
        assert "已开启" in done
        assert "secret" not in admin.text("/console/second-factor")

    def test_a_wrong_code_changes_nothing(self, admin: Browser) -> None:
        admin.text("/console/second-factor")

        page = admin.submit("/console/second-factor", code="000000")

        assert "动态口令不正确" in page
        assert self.secret_on(page)

    def test_is_asked_for_at_log_in(self, app: Flask, session: Session, vault: Vault, at: datetime) -> None:
        staff = make_staff(session)
        caller = make_caller(session, staff, at=at)
        secret = service.begin_totp(session, vault=vault, caller=caller)
        before = at - timedelta(seconds=60)
        service.confirm_totp(
            session,
            vault=vault,
            caller=caller,
            code=totp.code_at(secret, before),
            actor=ACTOR,
            at=before,
        )
        session.commit()
        browser = Browser(app.test_client())

        response = browser.post("/console/login", username=staff.username, password=PASSWORD)
        assert response.location == "/console/login/code"
        assert browser.get("/console/stores").status_code == 303
        token = self.csrf_token_on(browser.text("/console/login/code"))
        answered = browser.client.post(
            "/console/login/code", data={"csrf_token": token, "code": totp.code_at(secret, at)}
        )

        assert answered.location == "/console/"
        assert browser.get("/console/stores").status_code == 200

    def csrf_token_on(self, page: str) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None
        return found.group(1)


class TestWelcome:
    def test_greets_those_whose_work_is_elsewhere(self, log_in: LogIn) -> None:
        browser = log_in(Role.CLERK)

        assert "店员" in browser.text("/console/")
        assert browser.get("/console/dashboard").status_code == 403
