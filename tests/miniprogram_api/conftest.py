"""A mini program that is logged in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.members.models import Identity, Member
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.service import open_session
from tests.factories.check_ins import make_plan
from tests.factories.members import make_identity, make_member

BASE = "/miniprogram/v1"


@dataclass(frozen=True)
class MiniProgram:
    """A person's mini program: sends requests with its session."""

    client: FlaskClient
    token: str
    identity: Identity
    member: Member | None

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.send("GET", path, **arguments)

    def post(self, path: str, json: Any = None, **arguments: Any) -> TestResponse:
        return self.send("POST", path, json={} if json is None else json, **arguments)

    def send(
        self, method: str, path: str, *, key: str | None = None, device: str | None = None, **arguments: Any
    ) -> TestResponse:
        given = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key, "X-Device-Id": device}
        headers = {name: value for name, value in given.items() if value}
        return self.client.open(BASE + path, method=method, headers=headers, **arguments)


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session, nickname="小明")


@pytest.fixture
def member_id(member: Member) -> int:
    return member.id


@pytest.fixture
def phone_of(client: FlaskClient, session: Session, at: datetime) -> Any:
    """Hand out a mini program that is logged in, for a member or for a visitor."""

    def hand_out(member: Member | None) -> MiniProgram:
        identity = make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM)
        token = open_session(session, identity_id=identity.id, door=Door.MINI_PROGRAM, at=at)
        session.commit()
        return MiniProgram(client, token, identity, member)

    return hand_out


@pytest.fixture
def mini_program(phone_of: Any, member: Member) -> MiniProgram:
    return phone_of(member)  # type: ignore[no-any-return]


@pytest.fixture
def visitor(phone_of: Any) -> MiniProgram:
    return phone_of(None)  # type: ignore[no-any-return]


@pytest.fixture
def plan(session: Session) -> None:
    make_plan(session)
    session.commit()
