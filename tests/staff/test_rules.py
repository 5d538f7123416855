from datetime import UTC, datetime, timedelta

import pytest

from loyalty.staff import passwords, rules, totp
from loyalty.staff.rules import Permission, Role

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


class TestRoles:
    def test_every_role_is_named_and_has_permissions(self) -> None:
        assert set(rules.PERMISSIONS) == set(Role) == set(rules.ROLE_NAMES)
        assert all(Permission.SELF in granted for granted in rules.PERMISSIONS.values())

    def test_the_auditor_changes_nothing(self) -> None:
        granted = rules.permissions_of([Role.AUDITOR])

        assert all(str(permission).endswith(".read") for permission in granted - {Permission.SELF})
        assert Permission.AUDIT_READ in granted

    def test_only_the_administrator_manages_staff(self) -> None:
        able = {role for role in Role if Permission.STAFF_WRITE in rules.PERMISSIONS[role]}

        assert able == {Role.HEADQUARTERS_ADMIN}

    def test_several_roles_add_up(self) -> None:
        both = rules.permissions_of([Role.CLERK, Role.RISK])

        assert both == rules.PERMISSIONS[Role.CLERK] | rules.PERMISSIONS[Role.RISK]


class TestPasswords:
    @pytest.mark.parametrize(
        "password", ["short-1", "a" * 129, "aaaaaaaaaaaa", "my-password-x", "x-wang.min-99", "0123456789"]
    )
    def test_that_would_be_guessed_are_refused(self, password: str) -> None:
        with pytest.raises(rules.WeakPassword):
            rules.check_password(password, username="wang.min")

    def test_that_were_generated_are_accepted(self) -> None:
        generated = {passwords.generate() for _ in range(20)}

        assert len(generated) == 20
        for password in generated:
            rules.check_password(password, username="wang.min")

    def test_are_stored_as_argon2id_of_19_mib(self) -> None:
        stored = passwords.hash_password("correct-horse-7")

        assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert passwords.matches(stored, "correct-horse-7")
        assert not passwords.matches(stored, "correct-horse-8")

    def test_of_nobody_match_nothing(self) -> None:
        assert not passwords.matches(passwords.NOBODYS_HASH, "")


class TestUsernames:
    @pytest.mark.parametrize("username", ["ab", "9lives", "王小明", "wang min", "W" * 5, "a" * 33])
    def test_that_cannot_be_typed_everywhere_are_refused(self, username: str) -> None:
        with pytest.raises(rules.InvalidUsername):
            rules.check_account(username=username, name="王")


class TestSessions:
    @pytest.mark.parametrize(
        ("opened", "seen", "is_alive"),
        [
            (timedelta(0), timedelta(0), True),
            (timedelta(days=1), timedelta(hours=7, minutes=59), True),
            (timedelta(days=1), timedelta(hours=8), False),
            (timedelta(days=7), timedelta(0), False),
        ],
    )
    def test_end_when_idle_or_old(self, opened: timedelta, seen: timedelta, is_alive: bool) -> None:
        assert is_alive == rules.is_session_alive(opened_at=AT - opened, seen_at=AT - seen, awaits_totp=False, at=AT)

    def test_wait_five_minutes_for_the_code(self) -> None:
        def is_alive(age: timedelta) -> bool:
            return rules.is_session_alive(opened_at=AT - age, seen_at=AT, awaits_totp=True, at=AT)

        assert is_alive(timedelta(minutes=4))
        assert not is_alive(timedelta(minutes=5))


class TestOneTimeCodes:
    SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

    def step(self, code: str, *, after_step: int = 0) -> int | None:
        return totp.matching_step(self.SECRET, code, after_step=after_step, at=AT)

    def test_are_accepted_with_one_step_of_drift(self) -> None:
        now = int(AT.timestamp()) // 30

        for drift in (-1, 0, 1):
            code = totp.code_at(self.SECRET, AT + timedelta(seconds=30 * drift))
            assert self.step(code) == now + drift
        assert self.step(totp.code_at(self.SECRET, AT + timedelta(seconds=60))) is None

    def test_work_once(self) -> None:
        code = totp.code_at(self.SECRET, AT)
        used = self.step(code)

        assert used is not None
        assert self.step(code, after_step=used) is None

    def test_may_be_typed_with_a_blank(self) -> None:
        code = totp.code_at(self.SECRET, AT)

        assert self.step(f" {code[:3]} {code[3:]} ") is not None

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "²³⁴⁵⁶⁷"])
    def test_that_are_no_codes_are_refused(self, code: str) -> None:
        assert self.step(code) is None
