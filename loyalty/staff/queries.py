"""Reads of staff: who is behind a session, and the lists of the console."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from loyalty.kernel.errors import NotAuthenticated, NotFound
from loyalty.staff import rules
from loyalty.staff.models import StaffAccount, StaffRole, StaffScope, StaffSession
from loyalty.staff.rules import Role, StaffCaller
from loyalty.stores import queries as stores
from loyalty.stores.models import Store


class StaffNotFound(NotFound):
    """No account has this id or name."""

    code = "staff_not_found"
    message = "没有找到这个员工"


class StaffSessionInvalid(NotAuthenticated):
    """The session is unknown, ended, too old, or its account was switched off."""

    code = "staff_session_invalid"
    message = "登录已失效，请重新登录"


@dataclass(frozen=True, slots=True)
class StaffView:
    """One account as the staff list shows it."""

    id: int
    username: str
    name: str
    roles: tuple[Role, ...]
    scope_ids: tuple[int, ...]
    scope_names: tuple[str, ...]
    is_active: bool
    has_totp: bool
    must_change_password: bool
    last_login_at: datetime | None


def token_hash(token: str) -> bytes:
    """Return what is stored of a session token."""
    return hashlib.sha256(token.encode()).digest()


def caller_of(session: Session, *, token: str, at: datetime) -> StaffCaller:
    """Return who is behind a session token and what they may do and see.

    Raises:
        StaffSessionInvalid: unknown, revoked, idle or open too long, or the account is off.
    """
    row = session.execute(
        select(StaffSession, StaffAccount, _roles_of(), _scope_ids_of())
        .join(StaffAccount, StaffAccount.id == StaffSession.staff_id)
        .where(
            StaffSession.token_hash == token_hash(token),
            StaffSession.revoked_at.is_(None),
            StaffAccount.is_active,
        )
    ).one_or_none()
    if row is None:
        raise StaffSessionInvalid
    opened, account, role_texts, scope_ids = row
    if not rules.is_session_alive(
        opened_at=opened.opened_at, seen_at=opened.seen_at, awaits_totp=opened.awaits_totp, at=at
    ):
        raise StaffSessionInvalid
    roles = frozenset(Role(text) for text in role_texts or ())
    return StaffCaller(
        session_id=opened.id,
        seen_at=opened.seen_at,
        awaits_totp=opened.awaits_totp,
        staff_id=account.id,
        username=account.username,
        name=account.name,
        roles=roles,
        permissions=rules.permissions_of(roles),
        scope=stores.scope_of(session, roots=scope_ids or ()),
        must_change_password=account.must_change_password,
        has_totp=account.totp_confirmed_at is not None,
    )


def get_account(session: Session, *, staff_id: int) -> StaffAccount:
    """Return one account.

    Raises:
        StaffNotFound: there is no such account.
    """
    account = session.get(StaffAccount, staff_id)
    if account is None:
        raise StaffNotFound
    return account


def find_by_username(session: Session, *, username: str) -> StaffAccount | None:
    """Return the account with this log-in name, however it was typed, or None."""
    return session.scalars(
        select(StaffAccount).where(StaffAccount.username == rules.normal_username(username))
    ).one_or_none()


def get_staff(session: Session, *, staff_id: int) -> StaffView:
    """Return one account with its roles and scopes.

    Raises:
        StaffNotFound: there is no such account.
    """
    found = _views(session, staff_ids=[staff_id])
    if not found:
        raise StaffNotFound
    return found[0]


def list_staff(
    session: Session,
    *,
    text: str = "",
    role: Role | None = None,
    is_active: bool | None = None,
    limit: int = 500,
) -> list[StaffView]:
    """Return accounts by log-in name, narrowed by a part of the name, a role, or being active."""
    query = select(StaffAccount.id).order_by(StaffAccount.username).limit(limit)
    if text:
        pattern = f"%{_escaped(text.strip())}%"
        query = query.where(
            StaffAccount.username.ilike(pattern, escape="\\") | StaffAccount.name.ilike(pattern, escape="\\")
        )
    if role is not None:
        holders = select(StaffRole.staff_id).where(StaffRole.role == role)
        query = query.where(StaffAccount.id.in_(holders))
    if is_active is not None:
        query = query.where(StaffAccount.is_active.is_(is_active))
    return _views(session, staff_ids=session.scalars(query).all())


def names(session: Session, staff_ids: Collection[int]) -> dict[int, str]:
    """Return the names of some accounts by id."""
    rows = session.execute(select(StaffAccount.id, StaffAccount.name).where(StaffAccount.id.in_(staff_ids)))
    return {row.id: row.name for row in rows}


def _views(session: Session, *, staff_ids: Collection[int]) -> list[StaffView]:
    names_of_scopes = (
        select(func.array_agg(Store.name))
        .join(StaffScope, StaffScope.store_id == Store.id)
        .where(StaffScope.staff_id == StaffAccount.id)
        .correlate(StaffAccount)
        .scalar_subquery()
    )
    rows = session.execute(
        select(StaffAccount, _roles_of(), _scope_ids_of(), names_of_scopes)
        .where(StaffAccount.id.in_(staff_ids))
        .order_by(StaffAccount.username)
        .execution_options(populate_existing=True)
    )
    return [
        StaffView(
            id=account.id,
            username=account.username,
            name=account.name,
            roles=tuple(role for role in Role if role in (roles or ())),
            scope_ids=tuple(scope_ids or ()),
            scope_names=tuple(scope_names or ()),
            is_active=account.is_active,
            has_totp=account.totp_confirmed_at is not None,
            must_change_password=account.must_change_password,
            last_login_at=account.last_login_at,
        )
        for account, roles, scope_ids, scope_names in rows
    ]


def _roles_of() -> ScalarSelect[Sequence[str]]:
    return (
        select(func.array_agg(StaffRole.role))
        .where(StaffRole.staff_id == StaffAccount.id)
        .correlate(StaffAccount)
        .scalar_subquery()
    )


def _scope_ids_of() -> ScalarSelect[Sequence[int]]:
    return (
        select(func.array_agg(StaffScope.store_id))
        .where(StaffScope.staff_id == StaffAccount.id)
        .correlate(StaffAccount)
        .scalar_subquery()
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
