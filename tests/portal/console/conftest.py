"""Browsers of staff: a client logged in, and forms with the CSRF token; a member, a store, a coupon, an earner."""

import csv
import io
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.members.models import Member
from loyalty.staff.models import StaffAccount
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from portal.console.access import COOKIE
from tests.factories.campaigns import tag_with
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.payouts import Earner, configure, make_earner
from tests.factories.staff import make_session, make_staff
from tests.factories.stores import make_store

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Browser:
    """A client that fills in forms as a page offered them."""

    client: FlaskClient
    staff: StaffAccount | None = None

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def text(self, path: str) -> str:
        response = self.client.get(path)
        assert response.status_code == 200, response.status_code
        return response.get_data(as_text=True)

    def post(self, path: str, **fields: object) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self._csrf_token(), **fields})

    def submit(self, path: str, **fields: object) -> str:
        """Post a form and return the page it leads to."""
        response = self.client.post(path, data={"csrf_token": self._csrf_token(), **fields}, follow_redirects=True)
        assert response.status_code == 200, response.status_code
        return response.get_data(as_text=True)

    def _csrf_token(self) -> str:
        page = "/console/password" if self.staff else "/console/login"
        found = _TOKEN.search(self.client.get(page).get_data(as_text=True))
        assert found is not None
        return found.group(1)


LogIn = Callable[..., Browser]


def download(browser: Browser, address: str) -> list[dict[str, str]]:
    """The rows that an export sends for an address, by the names of their columns."""
    is_personal = address.partition("?")[0].endswith("/export")
    answer = browser.post(f"/console/{address}") if is_personal else browser.get(f"/console/{address}")
    assert answer.status_code == 200, (address, answer.status_code)
    assert answer.mimetype == "text/csv"
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.fixture
def stranger(app: Flask) -> Browser:
    """A browser that nobody logged in with."""
    return Browser(app.test_client())


@pytest.fixture
def log_in(app: Flask, session: Session, at: datetime) -> LogIn:
    """Returns a browser logged in as somebody with the given roles and stores."""

    def logged_in(*roles: Role, stores: Collection[Store] | None = None, must_change_password: bool = False) -> Browser:
        staff = make_staff(session, *roles, stores=stores, must_change_password=must_change_password)
        token = make_session(session, staff, at=at)
        session.commit()
        client = app.test_client()
        client.set_cookie(COOKIE, token, path="/console")
        return Browser(client, staff)

    return logged_in


@pytest.fixture
def admin(log_in: LogIn) -> Browser:
    return log_in()


@pytest.fixture
def marketer(log_in: LogIn) -> Browser:
    return log_in(Role.MARKETER)


@pytest.fixture
def finance(log_in: LogIn) -> Browser:
    return log_in(Role.FINANCE)


@pytest.fixture
def auditor(log_in: LogIn) -> Browser:
    return log_in(Role.AUDITOR)


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session, name="西湖店")


@pytest.fixture
def member(session: Session, store: Store) -> Member:
    return make_member(session, enrolled_store_id=store.id)


@pytest.fixture
def tag_id(session: Session, member: Member) -> int:
    """A tag of two members."""
    return tag_with(session, member.id, make_member(session).id)


@pytest.fixture
def template_id(session: Session) -> int:
    return make_template(session, terms_of(title="早鸟券", threshold_fen=0))


@pytest.fixture
def earner(session: Session, at: datetime) -> Earner:
    """A member with ¥1,000, and payouts that are open."""
    configure(session, at=at)
    return make_earner(session)
