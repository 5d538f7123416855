"""A person with the member pages open in WeChat's browser."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.members.models import Identity, Member
from loyalty.members.rules.identities import Door
from loyalty.members.service import open_session
from loyalty.referrals.rules.programme import Caps
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import switches
from portal.h5.session import COOKIE
from tests.factories.members import make_identity, make_member
from tests.factories.referrals import ACTOR, publish


class Browser:
    """Opens pages and sends forms with the token that the page carried."""

    def __init__(self, client: FlaskClient, identity: Identity, member: Member | None) -> None:
        self.client, self.identity, self.member = client, identity, member

    def open(self, path: str) -> TestResponse:
        return self.client.get(path, follow_redirects=True)

    def send(self, path: str, *, page: str | None = None, **fields: object) -> TestResponse:
        """Send a form of ``page`` (the same path by default) to ``path``."""
        data = {"csrf_token": self.csrf_token(page or path), **fields}
        return self.client.post(path, data=data, follow_redirects=True)

    def csrf_token(self, page: str) -> str:
        """Return the token of the forms of a page."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.open(page).text)
        assert token, f"{page} has no form"
        return token[1]


@pytest.fixture
def browser_of(client: FlaskClient, session: Session, at: datetime) -> Callable[[Member | None], Browser]:
    def hand_out(member: Member | None) -> Browser:
        identity = make_identity(session, member=member, is_following=True)
        token = open_session(session, identity_id=identity.id, door=Door.H5, at=at)
        session.commit()
        client.set_cookie(COOKIE, token)
        return Browser(client, identity, member)

    return hand_out


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session, nickname="小明")


@pytest.fixture
def browser(browser_of: Callable[[Member | None], Browser], member: Member) -> Browser:
    return browser_of(member)


@pytest.fixture
def visitor(browser_of: Callable[[Member | None], Browser]) -> Browser:
    return browser_of(None)


@pytest.fixture
def offer(session: Session, at: datetime) -> int:
    programme_id = publish(session, caps=Caps(per_day=5), at=at)
    session.commit()
    return programme_id


def turn_off(session: Session, channel: Channel, at: datetime) -> None:
    switches.turn_off(session, channel=channel, reason="异常", actor=ACTOR, at=at)
    session.commit()
