"""Closing an account: a wish, a waiting period, a way back, an end."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.members import queries, service
from loyalty.members.rules.binding import BindingKind
from loyalty.members.rules.identities import Door, IdentityKind, SessionInvalid
from loyalty.members.rules.members import MemberGone
from loyalty.privacy.queries import find_closing
from loyalty.privacy.rules import WAITING_PERIOD, NotClosing
from loyalty.privacy.service import ask_to_close, erase_due, take_back_closing
from tests.factories.members import make_consents, make_identity, make_member, unused_phone
from tests.factories.points import assert_books_fit, balance_of, earn
from tests.support.events import recorded


class TestAskingToClose:
    def test_begins_a_waiting_period_of_fifteen_days(self, session: Session, at: datetime) -> None:
        member = make_member(session)

        due_at = ask_to_close(session, member_id=member.id, at=at)

        assert due_at == at + timedelta(days=15)
        assert member.status == "closing"
        closing = find_closing(session, member_id=member.id)
        assert closing is not None
        assert closing.due_at == due_at

    def test_again_does_not_begin_anew(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        first = ask_to_close(session, member_id=member.id, at=at)

        assert ask_to_close(session, member_id=member.id, at=at + timedelta(days=3)) == first

    def test_leaves_the_member_logged_in_and_shows_the_state(
        self, session: Session, database: Database, at: datetime
    ) -> None:
        member = make_member(session)
        identity = make_identity(session, member=member)
        token = service.open_session(session, identity_id=identity.id, door=Door.H5, at=at)

        ask_to_close(session, member_id=member.id, at=at)
        session.commit()

        caller = service.authenticate(database, token=token, door=Door.H5, at=at)
        assert (caller.member_id, caller.member_status) == (member.id, "closing")

    def test_can_be_taken_back_and_asked_anew(self, session: Session, vault: Vault, at: datetime) -> None:
        member = make_member(session)
        ask_to_close(session, member_id=member.id, at=at)

        take_back_closing(session, member_id=member.id, at=at + timedelta(days=14))

        assert member.status == "active"
        assert erase_due(session, vault=vault, at=at + timedelta(days=99)) == 0
        assert ask_to_close(session, member_id=member.id, at=at + timedelta(days=20)) == at + timedelta(days=35)
        actions = [entry.action for entry in audit.list_entries(session, subject=f"member:{member.id}")]
        assert actions == ["privacy.ask_to_close", "privacy.take_back_closing", "privacy.ask_to_close"]

    def test_that_was_not_asked_cannot_be_taken_back(self, session: Session, at: datetime) -> None:
        with pytest.raises(NotClosing):
            take_back_closing(session, member_id=make_member(session).id, at=at)


class TestTheEnd:
    def test_comes_after_the_waiting_period_and_once(self, session: Session, vault: Vault, at: datetime) -> None:
        member = make_member(session)
        ask_to_close(session, member_id=member.id, at=at)

        early = erase_due(session, vault=vault, at=at + WAITING_PERIOD - timedelta(seconds=1))
        due = erase_due(session, vault=vault, at=at + WAITING_PERIOD)
        again = erase_due(session, vault=vault, at=at + WAITING_PERIOD)

        assert (early, due, again) == (0, 1, 0)
        session.refresh(member)
        assert (member.status, member.phone_sealed, member.nickname_sealed) == ("closed", None, None)
        assert recorded(session, "member.closed") == [{"member_id": member.id}]

    def test_logs_out_and_cannot_be_taken_back(
        self, session: Session, database: Database, vault: Vault, at: datetime
    ) -> None:
        member = make_member(session)
        identity = make_identity(session, member=member)
        token = service.open_session(session, identity_id=identity.id, door=Door.H5, at=at + timedelta(days=14))
        ask_to_close(session, member_id=member.id, at=at)

        erase_due(session, vault=vault, at=at + WAITING_PERIOD)
        session.commit()

        with pytest.raises(SessionInvalid):
            service.authenticate(database, token=token, door=Door.H5, at=at + WAITING_PERIOD)
        with pytest.raises(MemberGone):
            take_back_closing(session, member_id=member.id, at=at + WAITING_PERIOD)

    def test_takes_the_points_off_the_books_which_still_fit(self, session: Session, vault: Vault, at: datetime) -> None:
        member = make_member(session)
        earn(session, member.id, 100)
        ask_to_close(session, member_id=member.id, at=at)

        erase_due(session, vault=vault, at=at + WAITING_PERIOD)

        assert balance_of(session, member.id) == 0
        assert_books_fit(session, member.id)

    def test_frees_phone_and_wechat_for_a_new_beginning(self, session: Session, vault: Vault, at: datetime) -> None:
        phone = unused_phone()
        member = make_member(session, phone=phone)
        identity = make_identity(session, member=member)
        openid, appid = identity.openid, identity.appid
        ask_to_close(session, member_id=member.id, at=at)
        later = at + WAITING_PERIOD
        erase_due(session, vault=vault, at=later)

        newcomer = service.identify(
            session, appid=appid, openid=openid, unionid=None, kind=IdentityKind.OFFICIAL_ACCOUNT, at=later
        )
        outcome = service.bind_by_wechat_phone(
            session, vault=vault, identity_id=newcomer.id, phone=phone, consents=make_consents(), at=later
        )

        assert newcomer.id != identity.id
        assert outcome.kind is BindingKind.ENROLLED
        assert outcome.member_id != member.id

    def test_leaves_nobody_to_be_notified(self, session: Session, vault: Vault, at: datetime) -> None:
        member = make_member(session)
        make_identity(session, member=member, is_following=True)
        ask_to_close(session, member_id=member.id, at=at)

        erase_due(session, vault=vault, at=at + WAITING_PERIOD)

        assert queries.identities_of(session, member_id=member.id) == []
        assert not queries.wants(session, member_id=member.id, kind="points_changed")

    def test_goes_page_by_page(self, session: Session, vault: Vault, at: datetime) -> None:
        for _ in range(3):
            ask_to_close(session, member_id=make_member(session).id, at=at)

        pages = [erase_due(session, vault=vault, at=at + WAITING_PERIOD, limit=2) for _ in range(3)]

        assert pages == [2, 1, 0]
