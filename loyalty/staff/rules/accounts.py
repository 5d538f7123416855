"""Accounts of staff: names, passwords, sessions and tries, as pure data."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.kernel.errors import InvalidInput
from loyalty.staff.rules.roles import Permission, Role
from loyalty.stores.rules import StoreScope

SESSION_IDLE = timedelta(hours=8)
SESSION_ABSOLUTE = timedelta(days=7)
TOTP_WAIT = timedelta(minutes=5)
SEEN_STEP = timedelta(minutes=1)
"""A session's last use is noted at most this often, so that reading a page is not a write."""

TRY_WINDOW = timedelta(minutes=15)
TRIES_PER_ACCOUNT = 8
TRIES_PER_IP = 40
TRIES_PER_TOTP = 5
TRIES_PER_PASSWORD_CHANGE = 5
TRACES_KEPT = timedelta(days=30)
"""How long ended sessions and counted tries are kept; the audit log keeps the log-ins themselves."""

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128
NAME_LENGTH_MAX = 40
_USERNAME = re.compile(r"[a-z][a-z0-9._-]{2,31}")


class InvalidUsername(InvalidInput):
    """A log-in name has 3 to 32 small letters, digits, dots, dashes or underscores."""

    code = "invalid_username"
    message = "登录名须以小写字母开头，3–32 位小写字母、数字、点、- 或 _"


class InvalidStaffName(InvalidInput):
    """The person's name is missing or too long."""

    code = "invalid_staff_name"
    message = "请填写姓名，不超过 40 个字"


class WeakPassword(InvalidInput):
    """The password is short, long, common, or holds the log-in name."""

    code = "weak_password"
    message = "密码须为 10–128 位，不能过于常见或重复，也不能包含登录名"


class RoleRequired(InvalidInput):
    """Every account has a role and a part of the tree, or it could do nothing."""

    code = "staff_role_required"
    message = "请至少选择一个角色和一个数据范围"


@dataclass(frozen=True, slots=True)
class StaffCaller:
    """Who is behind a session, what they may do, and which stores they may see."""

    session_id: int
    seen_at: datetime
    awaits_totp: bool
    staff_id: int
    username: str
    name: str
    roles: frozenset[Role]
    permissions: frozenset[Permission]
    scope: StoreScope
    must_change_password: bool
    has_totp: bool


def actor_name(staff_id: int) -> str:
    """Return how an account is called in the audit log."""
    return f"staff:{staff_id}"


def normal_username(typed: str) -> str:
    """Return the log-in name as it is stored: without blanks around it, in small letters."""
    # The database cannot even be asked for a text with a zero byte.
    return typed.replace("\0", "").strip().lower()


def check_account(*, username: str, name: str) -> None:
    """Refuse a log-in name or a name that could not be typed or read.

    Raises:
        InvalidUsername: other characters, too short or too long.
        InvalidStaffName: empty or too long.
    """
    if not _USERNAME.fullmatch(username):
        raise InvalidUsername
    if not 0 < len(name) <= NAME_LENGTH_MAX:
        raise InvalidStaffName


def check_password(password: str, *, username: str) -> None:
    """Refuse a password that would be guessed.

    Raises:
        WeakPassword: its length, its few different characters, or the log-in name in it.
    """
    lowered = password.lower()
    is_sound = (
        PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX
        and len(set(lowered)) >= 5
        and username not in lowered
        and not any(common in lowered for common in ("password", "123456789", "qwertyuiop"))
    )
    if not is_sound:
        raise WeakPassword


def is_session_alive(*, opened_at: datetime, seen_at: datetime, awaits_totp: bool, at: datetime) -> bool:
    """Tell whether a session may still be used: not idle too long, nor open too long."""
    if awaits_totp:
        return at - opened_at < TOTP_WAIT
    return at - seen_at < SESSION_IDLE and at - opened_at < SESSION_ABSOLUTE
