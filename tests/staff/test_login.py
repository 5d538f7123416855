from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.staff import queries, rules, service, totp
from loyalty.staff.models import LoginThrottle, StaffAccount, StaffSession
from loyalty.staff.passwords import NOBODYS_HASH
from loyalty.staff.rules import Role, StaffCaller
from loyalty.staff.service.login import LoginFailed, OpenedSession
from loyalty.staff.service.second_factor import TotpNotStarted, WrongCode
from loyalty.staff.service.throttle import TooManyTries
from tests.factories.staff import make_caller, make_session, make_staff
from tests.factories.stores import make_region, make_store

ACTOR = Actor("staff:?", "10.0.0.9", "r1")
QUARTER = timedelta(minutes=15)


def log_in(session: Session, account: StaffAccount, at: datetime) -> OpenedSession:
    candidate = service.admit_try(session, username=account.username, ip="10.0.0.9", at=at)
    return service.open_session(session, candidate=candidate, actor=ACTOR, at=at)


def with_totp(session: Session, vault: Vault, account: StaffAccount, at: datetime) -> str:
    caller = make_caller(session, account, at=at)
    secret = service.begin_totp(session, vault=vault, caller=caller)
    code = totp.code_at(secret, at)
    service.confirm_totp(session, vault=vault, caller=caller, code=code, actor=ACTOR, at=at)
    return secret


def caller_of(session: Session, opened: OpenedSession, at: datetime) -> StaffCaller:
    return queries.caller_of(session, token=opened.token, at=at)


class TestLogIn:
    def test_opens_a_session_with_roles_and_scope(self, session: Session, at: datetime) -> None:
        region = make_region(session)
        store = make_store(session, parent=region)
        account = make_staff(session, Role.REGION_MANAGER, stores=[region])

        caller = caller_of(session, log_in(session, account, at), at)

        assert caller.permissions == rules.PERMISSIONS[Role.REGION_MANAGER]
        assert caller.scope.store_ids == {region.id, store.id}
        assert account.last_login_at == at

    def test_stores_no_token(self, session: Session, at: datetime) -> None:
        opened = log_in(session, make_staff(session), at)

        stored = session.scalars(select(StaffSession.token_hash)).one()
        assert opened.token.encode() not in stored
        assert stored == queries.token_hash(opened.token)

    def test_takes_the_name_in_any_case(self, session: Session, at: datetime) -> None:
        account = make_staff(session, username="wang.min")

        candidate = service.admit_try(session, username=" Wang.Min ", ip="10.0.0.9", at=at)

        assert candidate.staff_id == account.id

    def test_judges_unknown_and_inactive_accounts_by_nobodys_hash(self, session: Session, at: datetime) -> None:
        inactive = make_staff(session, is_active=False)

        for username in ("nobody", inactive.username):
            candidate = service.admit_try(session, username=username, ip="10.0.0.9", at=at)
            assert (candidate.staff_id, candidate.password_hash) == (None, NOBODYS_HASH)
            with pytest.raises(LoginFailed):
                service.open_session(session, candidate=candidate, actor=ACTOR, at=at)

    def test_fails_when_the_account_changed_meanwhile(self, session: Session, at: datetime) -> None:
        account = make_staff(session)
        candidate = service.admit_try(session, username=account.username, ip="10.0.0.9", at=at)
        service.reset_password(session, staff_id=account.id, actor=ACTOR, at=at)

        with pytest.raises(LoginFailed):
            service.open_session(session, candidate=candidate, actor=ACTOR, at=at)

    def test_refusals_are_audited_without_the_typed_name(self, session: Session, at: datetime) -> None:
        candidate = service.admit_try(session, username="my-pass-word", ip="10.0.0.9", at=at)

        service.note_failure(session, candidate=candidate, actor=ACTOR, at=at)

        entry = audit.list_entries(session, action="staff.log_in_refused")[0]
        assert (entry.subject, entry.ip, entry.after) == ("staff:unknown", "10.0.0.9", None)


class TestThrottle:
    def admit(self, database: Database, username: str, ip: str, at: datetime) -> None:
        run(database, lambda session: service.admit_try(session, username=username, ip=ip, at=at))

    def test_stops_tries_of_one_account_from_many_addresses(self, database: Database, at: datetime) -> None:
        for number in range(rules.TRIES_PER_ACCOUNT):
            self.admit(database, "wang.min", f"10.0.0.{number}", at)

        with pytest.raises(TooManyTries):
            self.admit(database, "wang.min", "10.0.1.1", at)
        self.admit(database, "li.lei", "10.0.1.1", at)

    def test_stops_tries_of_many_accounts_from_one_address(self, database: Database, at: datetime) -> None:
        for number in range(rules.TRIES_PER_IP):
            self.admit(database, f"name{number}", "10.0.0.1", at)

        with pytest.raises(TooManyTries):
            self.admit(database, "another", "10.0.0.1", at)
        self.admit(database, "another", "10.0.0.2", at)

    def test_ends_after_a_quarter_of_an_hour(self, database: Database, at: datetime) -> None:
        for _ in range(rules.TRIES_PER_ACCOUNT):
            self.admit(database, "wang.min", "10.0.0.1", at)

        with pytest.raises(TooManyTries):
            self.admit(database, "wang.min", "10.0.0.1", at + QUARTER - timedelta(seconds=1))
        self.admit(database, "wang.min", "10.0.0.1", at + QUARTER)

    def test_is_forgotten_after_a_success(self, session: Session, at: datetime) -> None:
        account = make_staff(session)

        for _ in range(rules.TRIES_PER_IP + 1):
            log_in(session, account, at)

    def test_keeps_no_old_windows_and_sessions(self, session: Session, at: datetime) -> None:
        account = make_staff(session)
        service.admit_try(session, username="made-up", ip="10.0.0.9", at=at)
        make_session(session, account, at=at)

        log_in(session, account, at + rules.TRACES_KEPT + QUARTER)

        oldest = session.scalars(select(LoginThrottle.window_started_at)).all()
        assert min(oldest) > at
        assert len(session.scalars(select(StaffSession.id)).all()) == 1

    def test_keeps_no_typed_name(self, session: Session, at: datetime) -> None:
        service.admit_try(session, username="my-pass-word", ip="10.0.0.9", at=at)

        stored = " ".join(session.scalars(select(LoginThrottle.subject)))
        assert "my-pass-word" not in stored
        assert "10.0.0.9" not in stored


class TestSessions:
    def test_end_when_the_account_is_switched_off(self, session: Session, at: datetime) -> None:
        account = make_staff(session)
        token = make_session(session, account, at=at)
        make_staff(session)

        service.set_active(session, staff_id=account.id, is_active=False, actor=ACTOR, at=at)

        with pytest.raises(queries.StaffSessionInvalid):
            queries.caller_of(session, token=token, at=at)

    def test_end_at_log_out(self, session: Session, at: datetime) -> None:
        account = make_staff(session)
        token = make_session(session, account, at=at)
        caller = queries.caller_of(session, token=token, at=at)

        service.log_out(session, caller=caller, actor=ACTOR, at=at)

        with pytest.raises(queries.StaffSessionInvalid):
            queries.caller_of(session, token=token, at=at)

    def test_live_on_while_used_but_not_beyond_a_week(self, session: Session, at: datetime) -> None:
        token = make_session(session, make_staff(session), at=at)

        moment = at
        while moment - at < rules.SESSION_ABSOLUTE:
            service.authenticate(session, token=token, at=moment)
            session.expire_all()
            moment += timedelta(hours=7)

        with pytest.raises(queries.StaffSessionInvalid):
            queries.caller_of(session, token=token, at=at + rules.SESSION_ABSOLUTE)

    def test_idle_out(self, session: Session, at: datetime) -> None:
        token = make_session(session, make_staff(session), at=at)

        with pytest.raises(queries.StaffSessionInvalid):
            queries.caller_of(session, token=token, at=at + rules.SESSION_IDLE)

    def test_are_not_opened_by_another_token(self, session: Session, at: datetime) -> None:
        make_session(session, make_staff(session), at=at)

        with pytest.raises(queries.StaffSessionInvalid):
            queries.caller_of(session, token="x" * 43, at=at)


class TestSecondFactor:
    LATER = timedelta(minutes=1)

    def test_is_asked_for_and_completes_the_log_in(self, session: Session, vault: Vault, at: datetime) -> None:
        account = make_staff(session)
        secret = with_totp(session, vault, account, at)
        later = at + self.LATER

        opened = log_in(session, account, later)
        waiting = caller_of(session, opened, later)
        token = service.pass_totp(
            session, vault=vault, caller=waiting, code=totp.code_at(secret, later), actor=ACTOR, at=later
        )

        assert opened.awaits_totp
        assert waiting.awaits_totp
        assert not queries.caller_of(session, token=token, at=later).awaits_totp
        with pytest.raises(queries.StaffSessionInvalid):
            caller_of(session, opened, later)

    def test_accepts_no_code_twice(self, session: Session, vault: Vault, at: datetime) -> None:
        account = make_staff(session)
        secret = with_totp(session, vault, account, at)
        code = totp.code_at(secret, at)

        caller = caller_of(session, log_in(session, account, at), at)

        with pytest.raises(WrongCode):
            service.pass_totp(session, vault=vault, caller=caller, code=code, actor=ACTOR, at=at)

    def test_cannot_be_guessed_for_long(self, database: Database, vault: Vault, at: datetime) -> None:
        account = run(database, lambda session: make_staff(session))
        run(database, lambda session: with_totp(session, vault, account, at))
        caller = run(database, lambda session: caller_of(session, log_in(session, account, at), at))

        for _ in range(rules.TRIES_PER_TOTP):
            run(database, lambda session: service.admit_code_try(session, caller=caller, at=at))

        with pytest.raises(TooManyTries):
            run(database, lambda session: service.admit_code_try(session, caller=caller, at=at))

    def test_is_off_until_confirmed(self, session: Session, vault: Vault, at: datetime) -> None:
        account = make_staff(session)
        caller = make_caller(session, account, at=at)
        service.begin_totp(session, vault=vault, caller=caller)

        with pytest.raises(WrongCode):
            service.confirm_totp(session, vault=vault, caller=caller, code="000000", actor=ACTOR, at=at)

        assert not log_in(session, account, at).awaits_totp

    def test_shows_the_same_secret_until_confirmed_and_never_after(
        self, session: Session, vault: Vault, at: datetime
    ) -> None:
        account = make_staff(session)
        caller = make_caller(session, account, at=at)
        first = service.begin_totp(session, vault=vault, caller=caller)

        assert service.begin_totp(session, vault=vault, caller=caller) == first
        assert first.encode() not in (account.totp_sealed or b"")
        code = totp.code_at(first, at)
        service.confirm_totp(session, vault=vault, caller=caller, code=code, actor=ACTOR, at=at)
        with pytest.raises(TotpNotStarted):
            service.begin_totp(session, vault=vault, caller=caller)

    def test_is_taken_away_after_a_lost_phone(self, session: Session, vault: Vault, at: datetime) -> None:
        account = make_staff(session)
        with_totp(session, vault, account, at)

        service.remove_totp(session, staff_id=account.id, actor=ACTOR, at=at)

        assert not log_in(session, account, at + self.LATER).awaits_totp
