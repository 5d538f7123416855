"""Sessions: opaque, sliding, revocable, and one statement to read."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.members import service
from loyalty.members.models import MemberSession
from loyalty.members.rules.identities import Door, SessionInvalid
from loyalty.members.rules.members import MemberStatus
from tests.factories.members import make_identity, make_member
from tests.support.statements import StatementCounter


def _open(session: Session, at: datetime, **identity: object) -> str:
    row = make_identity(session, **identity)  # type: ignore[arg-type]
    token = service.open_session(session, identity_id=row.id, door=Door.H5, at=at)
    session.commit()
    return token


class TestAuthenticate:
    def test_tells_a_visitor(self, session: Session, database: Database, at: datetime) -> None:
        token = _open(session, at, is_following=True)

        caller = service.authenticate(database, token=token, door=Door.H5, at=at)

        assert caller.member_id is None
        assert caller.member_status is None
        assert caller.is_following

    def test_tells_a_member_and_their_state(self, session: Session, database: Database, at: datetime) -> None:
        member = make_member(session, status=MemberStatus.CLOSING)
        token = _open(session, at, member=member)

        caller = service.authenticate(database, token=token, door=Door.H5, at=at)

        assert (caller.member_id, caller.member_status) == (member.id, MemberStatus.CLOSING)

    def test_follows_a_merge_to_the_survivor(self, session: Session, database: Database, at: datetime) -> None:
        survivor = make_member(session)
        merged = make_member(session, phone=None, status=MemberStatus.MERGED, merged_into_id=survivor.id)
        token = _open(session, at, member=merged)

        caller = service.authenticate(database, token=token, door=Door.H5, at=at)

        assert (caller.member_id, caller.member_status) == (survivor.id, MemberStatus.ACTIVE)

    def test_is_one_statement(
        self, session: Session, database: Database, at: datetime, statements: StatementCounter
    ) -> None:
        token = _open(session, at, member=make_member(session))
        statements.clear()

        service.authenticate(database, token=token, door=Door.H5, at=at + timedelta(hours=23))

        assert statements.count == 1

    def test_prolongs_once_a_day(
        self, session: Session, database: Database, at: datetime, statements: StatementCounter
    ) -> None:
        member = make_member(session, last_active_at=at - timedelta(days=200))
        token = _open(session, at, member=member)
        tomorrow = at + timedelta(days=1)
        statements.clear()

        service.authenticate(database, token=token, door=Door.H5, at=tomorrow)
        assert statements.count == 2
        service.authenticate(database, token=token, door=Door.H5, at=tomorrow + timedelta(hours=1))
        assert statements.count == 3

        session.refresh(member)
        assert member.last_active_at == tomorrow
        assert service.authenticate(database, token=token, door=Door.H5, at=tomorrow + timedelta(days=29)).member_id

    def test_refuses_what_ended(self, session: Session, database: Database, at: datetime) -> None:
        token = _open(session, at)

        with pytest.raises(SessionInvalid):
            service.authenticate(database, token=token, door=Door.H5, at=at + timedelta(days=30))

    def test_refuses_a_token_of_the_other_door(self, session: Session, database: Database, at: datetime) -> None:
        token = _open(session, at)

        with pytest.raises(SessionInvalid):
            service.authenticate(database, token=token, door=Door.MINI_PROGRAM, at=at)

    @pytest.mark.parametrize("token", ["", "x", "é" * 100])
    def test_refuses_what_we_never_made(self, database: Database, at: datetime, token: str) -> None:
        with pytest.raises(SessionInvalid):
            service.authenticate(database, token=token, door=Door.H5, at=at)

    def test_refuses_a_closed_member(self, session: Session, database: Database, at: datetime) -> None:
        token = _open(session, at, member=make_member(session, phone=None, status=MemberStatus.CLOSED))

        with pytest.raises(SessionInvalid):
            service.authenticate(database, token=token, door=Door.H5, at=at)


class TestRevoking:
    def test_one_session_leaves_the_others(self, session: Session, database: Database, at: datetime) -> None:
        identity = make_identity(session)
        tokens = [service.open_session(session, identity_id=identity.id, door=Door.H5, at=at) for _ in range(2)]
        session.commit()
        caller = service.authenticate(database, token=tokens[0], door=Door.H5, at=at)

        service.revoke_session(session, session_id=caller.session_id, at=at)
        session.commit()

        with pytest.raises(SessionInvalid):
            service.authenticate(database, token=tokens[0], door=Door.H5, at=at)
        assert service.authenticate(database, token=tokens[1], door=Door.H5, at=at).identity_id == identity.id

    def test_all_sessions_of_a_member(self, session: Session, database: Database, at: datetime) -> None:
        member = make_member(session)
        tokens = [_open(session, at, member=member, appid=appid) for appid in ("wx_a", "wx_b")]

        service.revoke_sessions(session, member_id=member.id, at=at)
        session.commit()

        for token in tokens:
            with pytest.raises(SessionInvalid):
                service.authenticate(database, token=token, door=Door.H5, at=at)


def test_the_token_itself_is_not_stored(session: Session, at: datetime) -> None:
    token = _open(session, at)

    stored = session.scalars(select(cast(MemberSession.token_hash, String))).all()

    assert len(stored) == 1
    assert token not in stored[0]
    assert token.encode().hex() not in stored[0]


def test_old_sessions_and_codes_are_forgotten(session: Session, at: datetime) -> None:
    _open(session, at)

    assert service.forget_old_traces(session, at=at + timedelta(days=59)) == 0
    assert service.forget_old_traces(session, at=at + timedelta(days=61)) == 1
