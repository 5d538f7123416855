"""Staff rules: roles (角色) and what each may do, passwords, sessions and tries, as pure data."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loyalty.kernel.errors import InvalidInput
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


class Role(StrEnum):
    """What somebody is employed to do."""

    HEADQUARTERS_ADMIN = "headquarters_admin"
    MARKETER = "marketer"
    FINANCE = "finance"
    RISK = "risk"
    REGION_MANAGER = "region_manager"
    STORE_MANAGER = "store_manager"
    CLERK = "clerk"
    AUDITOR = "auditor"


ROLE_NAMES = {
    Role.HEADQUARTERS_ADMIN: "总部管理员",
    Role.MARKETER: "运营",
    Role.FINANCE: "财务",
    Role.RISK: "风控",
    Role.REGION_MANAGER: "区域经理",
    Role.STORE_MANAGER: "店长",
    Role.CLERK: "店员",
    Role.AUDITOR: "审计（只读）",
}


class Permission(StrEnum):
    """One thing that a page or a button needs; ``subject.verb``."""

    SELF = "self"
    """One's own account: password, second factor, log-out. Everybody has it."""
    DASHBOARD_READ = "dashboard.read"
    MEMBERS_READ = "members.read"
    MEMBERS_EXPORT = "members.export"
    MEMBERS_UNMASK = "members.unmask"
    HOLDS_RELEASE = "holds.release"
    """Free points that a till set aside and never settled."""
    BINDINGS_DECIDE = "bindings.decide"
    STORES_READ = "stores.read"
    STORES_WRITE = "stores.write"
    STAFF_READ = "staff.read"
    STAFF_WRITE = "staff.write"
    AUDIT_READ = "audit.read"
    CHANNELS_READ = "channels.read"
    CHANNELS_WRITE = "channels.write"
    NOTICES_READ = "notices.read"
    NOTICES_WRITE = "notices.write"
    EARNING_READ = "earning.read"
    EARNING_WRITE = "earning.write"
    """Make rules of headquarters, put them in force and end them."""
    EARNING_OVERRIDE = "earning.override"
    """Propose what stores and regions of one's own shall have otherwise."""
    EARNING_APPROVE = "earning.approve"
    """Permit overrides, and put them in force."""
    CHECK_INS_READ = "check_ins.read"
    CHECK_INS_WRITE = "check_ins.write"
    TIERS_READ = "tiers.read"
    TIERS_WRITE = "tiers.write"
    TIERS_GRANT = "tiers.grant"
    """Set a member's level by hand."""
    ADJUSTMENTS_READ = "adjustments.read"
    ADJUSTMENTS_WRITE = "adjustments.write"
    """Give and take points by hand, and prepare batches."""
    ADJUSTMENTS_APPROVE = "adjustments.approve"
    """Approve batches that others prepared, and undo them."""
    JOBS_READ = "jobs.read"
    JOBS_WRITE = "jobs.write"
    PARTNERS_READ = "partners.read"
    PARTNERS_WRITE = "partners.write"


_P = Permission
_READS = frozenset(permission for permission in Permission if permission.value.endswith(".read")) | {_P.SELF}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.HEADQUARTERS_ADMIN: frozenset(Permission),
    Role.MARKETER: frozenset(
        {
            _P.SELF,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.STORES_READ,
            _P.CHANNELS_READ,
            _P.CHANNELS_WRITE,
            _P.NOTICES_READ,
            _P.NOTICES_WRITE,
            _P.CHECK_INS_READ,
            _P.CHECK_INS_WRITE,
            _P.TIERS_READ,
            _P.TIERS_WRITE,
            _P.TIERS_GRANT,
            _P.EARNING_READ,
            _P.EARNING_WRITE,
            _P.EARNING_OVERRIDE,
            _P.ADJUSTMENTS_READ,
            _P.ADJUSTMENTS_WRITE,
            _P.JOBS_READ,
        }
    ),
    Role.FINANCE: frozenset(
        {
            _P.SELF,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.HOLDS_RELEASE,
            _P.MEMBERS_EXPORT,
            _P.STORES_READ,
            _P.EARNING_READ,
            _P.ADJUSTMENTS_READ,
            _P.ADJUSTMENTS_WRITE,
            _P.ADJUSTMENTS_APPROVE,
            _P.AUDIT_READ,
            _P.JOBS_READ,
        }
    ),
    Role.RISK: frozenset(
        {
            _P.SELF,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.MEMBERS_UNMASK,
            _P.BINDINGS_DECIDE,
            _P.STORES_READ,
            _P.AUDIT_READ,
        }
    ),
    Role.REGION_MANAGER: frozenset(
        {
            _P.SELF,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.HOLDS_RELEASE,
            _P.MEMBERS_EXPORT,
            _P.BINDINGS_DECIDE,
            _P.STORES_READ,
            _P.EARNING_READ,
            _P.EARNING_OVERRIDE,
        }
    ),
    Role.STORE_MANAGER: frozenset(
        {
            _P.SELF,
            _P.DASHBOARD_READ,
            _P.MEMBERS_READ,
            _P.HOLDS_RELEASE,
            _P.BINDINGS_DECIDE,
            _P.STORES_READ,
            _P.EARNING_READ,
            _P.EARNING_OVERRIDE,
        }
    ),
    Role.CLERK: frozenset({_P.SELF}),
    Role.AUDITOR: _READS,
}


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


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """Return what somebody with these roles may do."""
    granted: frozenset[Permission] = frozenset()
    for role in roles:
        granted |= PERMISSIONS[role]
    return granted


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
