"""Staff for tests, with a password that all of them share."""

from collections.abc import Collection
from datetime import UTC, datetime
from functools import cache
from itertools import count

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.staff import passwords, queries
from loyalty.staff.models import StaffAccount, StaffRole, StaffScope
from loyalty.staff.rules import Role, StaffCaller
from loyalty.staff.service.login import issue_token
from loyalty.stores.models import Store
from tests.factories.stores import make_headquarters

PASSWORD = "correct-horse-7"
ACTOR = Actor("system:tests")
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = count(1)


@cache
def _hash() -> str:
    return passwords.hash_password(PASSWORD)


def make_staff(
    session: Session,
    *roles: Role,
    stores: Collection[Store] | None = None,
    username: str | None = None,
    must_change_password: bool = False,
    is_active: bool = True,
) -> StaffAccount:
    """Return a new account; headquarters administrator of everything unless told otherwise."""
    account = StaffAccount(
        username=username or f"staff{next(_numbers):05d}",
        name="王小明",
        password_hash=_hash(),
        must_change_password=must_change_password,
        is_active=is_active,
        created_at=_AT,
        password_changed_at=_AT,
    )
    session.add(account)
    session.flush()
    for role in roles or (Role.HEADQUARTERS_ADMIN,):
        session.execute(insert(StaffRole).values(staff_id=account.id, role=role))
    for store in [make_headquarters(session)] if stores is None else stores:
        session.execute(insert(StaffScope).values(staff_id=account.id, store_id=store.id))
    return account


def make_session(session: Session, account: StaffAccount, *, at: datetime) -> str:
    """Return the token of a new, complete session of an account."""
    return issue_token(session, account=account, ip="127.0.0.1", awaits_totp=False, at=at)


def make_caller(session: Session, account: StaffAccount, *, at: datetime) -> StaffCaller:
    """Return an account as it stands behind a request."""
    return queries.caller_of(session, token=make_session(session, account, at=at), at=at)
