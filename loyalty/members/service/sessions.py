"""Sessions (会话): opaque tokens of which only the SHA-256 is stored, 30 days from the last day of use."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run_single
from loyalty.members.models import Identity, Member, MemberSession
from loyalty.members.rules.identities import RENEWAL_INTERVAL, SESSION_LIFETIME, Door, SessionInvalid
from loyalty.members.rules.members import MemberStatus

_TOKEN_BYTES = 32
_Survivor = aliased(Member)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: an identity and, unless a visitor, its member (the survivor of a merge)."""

    session_id: int
    identity_id: int
    appid: str
    openid: str
    member_id: int | None
    member_status: MemberStatus | None
    is_following: bool


_FIND = (
    select(
        MemberSession.id,
        MemberSession.renewed_at,
        Identity.id.label("identity_id"),
        Identity.appid,
        Identity.openid,
        Identity.is_following,
        func.coalesce(_Survivor.id, Member.id).label("member_id"),
        func.coalesce(_Survivor.status, Member.status).label("member_status"),
    )
    .join(Identity, Identity.id == MemberSession.identity_id)
    .outerjoin(Member, Member.id == Identity.member_id)
    .outerjoin(_Survivor, _Survivor.id == Member.merged_into_id)
    .where(
        MemberSession.token_hash == bindparam("token_hash"),
        MemberSession.door == bindparam("door"),
        MemberSession.revoked_at.is_(None),
        MemberSession.expires_at > bindparam("at"),
    )
)

_RENEWED = (
    update(MemberSession)
    .where(MemberSession.id == bindparam("session_id"), MemberSession.revoked_at.is_(None))
    .values(renewed_at=bindparam("at"), expires_at=bindparam("expires_at"))
    .returning(MemberSession.id)
    .cte("renewed")
)
_RENEW = (
    update(Member)
    .where(Member.id == bindparam("member_id"), Member.last_active_at < bindparam("at"))
    .values(last_active_at=bindparam("at"))
    .returning(Member.id)
    .add_cte(_RENEWED)
)


def open_session(session: Session, *, identity_id: int, door: Door, at: datetime) -> str:
    """Log an identity in and return the token, which is shown this once."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    session.add(
        MemberSession(
            token_hash=_hash(token),
            identity_id=identity_id,
            door=door,
            opened_at=at,
            renewed_at=at,
            expires_at=at + SESSION_LIFETIME,
        )
    )
    _touch_member(session, identity_id=identity_id, at=at)
    session.flush()
    return token


def authenticate(database: Database, *, token: str, door: Door, at: datetime) -> Caller:
    """Return who holds a token, by one statement; once a day a second one prolongs it.

    Raises:
        SessionInvalid: unknown, expired, revoked, of the other door, or the member is closed.
    """
    rows = run_single(database, _FIND, {"token_hash": _hash(token), "door": door, "at": at})
    if not rows or rows[0].member_status == MemberStatus.CLOSED:
        raise SessionInvalid
    if at - rows[0].renewed_at >= RENEWAL_INTERVAL:
        _renew(database, rows[0], at)
    return _caller(rows[0])


def revoke_session(session: Session, *, session_id: int, at: datetime) -> None:
    """Log one session out; doing it again changes nothing."""
    _revoke(session, MemberSession.id == session_id, at)


def revoke_sessions(session: Session, *, member_id: int, at: datetime) -> None:
    """Log a member out everywhere."""
    identities = select(Identity.id).where(Identity.member_id == member_id)
    _revoke(session, MemberSession.identity_id.in_(identities), at)


def _revoke(session: Session, condition: Any, at: datetime) -> None:
    session.execute(
        update(MemberSession)
        .where(condition, MemberSession.revoked_at.is_(None))
        .values(revoked_at=at)
        .execution_options(synchronize_session=False)
    )


def _renew(database: Database, row: Row[Any], at: datetime) -> None:
    run_single(
        database,
        _RENEW,
        {"session_id": row.id, "member_id": row.member_id, "at": at, "expires_at": at + SESSION_LIFETIME},
    )


def _touch_member(session: Session, *, identity_id: int, at: datetime) -> None:
    member_id = select(Identity.member_id).where(Identity.id == identity_id).scalar_subquery()
    session.execute(
        update(Member)
        .where(Member.id == member_id, Member.last_active_at <= at - RENEWAL_INTERVAL)
        .values(last_active_at=at)
        .execution_options(synchronize_session=False)
    )


def _caller(row: Row[Any]) -> Caller:
    return Caller(
        session_id=row.id,
        identity_id=row.identity_id,
        appid=row.appid,
        openid=row.openid,
        member_id=row.member_id,
        member_status=None if row.member_status is None else MemberStatus(row.member_status),
        is_following=row.is_following,
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
