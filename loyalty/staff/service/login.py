"""Log-in: count the try, judge the password outside the transaction, open a session.

An unknown name, a wrong password and a switched-off account get the same answer after the same
work, so that nobody learns which names exist.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import NotAuthenticated
from loyalty.staff import queries, rules
from loyalty.staff.models import StaffAccount, StaffSession
from loyalty.staff.passwords import NOBODYS_HASH
from loyalty.staff.service import throttle


class LoginFailed(NotAuthenticated):
    """The name or the password is wrong, or the account is off; which one is not told."""

    code = "login_failed"
    message = "登录名或密码不正确"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whoever tries to log in, and the hash to judge the password by."""

    staff_id: int | None
    username: str
    password_hash: str
    ip: str


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session and the token that opens it, known only now."""

    token: str
    awaits_totp: bool


def admit_try(session: Session, *, username: str, ip: str, at: datetime) -> Candidate:
    """Count a try to log in and return what its password is judged by.

    Raises:
        TooManyTries: of this account or from this address.
    """
    username = rules.normal_username(username)
    # Always in this order, account then address: parallel tries then never lock crosswise.
    throttle.count_try(
        session,
        subject=throttle.subject_of("account", username),
        limit=rules.TRIES_PER_ACCOUNT,
        at=at,
    )
    throttle.count_try(session, subject=throttle.subject_of("ip", ip), limit=rules.TRIES_PER_IP, at=at)
    account = queries.find_by_username(session, username=username)
    if account is None or not account.is_active:
        return Candidate(None, username, NOBODYS_HASH, ip)
    return Candidate(account.id, username, account.password_hash, ip)


def open_session(session: Session, *, candidate: Candidate, actor: Actor, at: datetime) -> OpenedSession:
    """Open a session for somebody whose password was right.

    With a second factor the session opens nothing until its code was given.

    Raises:
        LoginFailed: the account is unknown, or changed since the try was admitted.
    """
    account = queries.find_by_username(session, username=candidate.username)
    if (
        account is None
        or account.id != candidate.staff_id
        or not account.is_active
        or account.password_hash != candidate.password_hash
    ):
        raise LoginFailed
    throttle.forget(session, subject=throttle.subject_of("account", candidate.username))
    throttle.take_back(session, subject=throttle.subject_of("ip", candidate.ip))
    _forget_old_traces(session, at=at)
    awaits_totp = account.totp_confirmed_at is not None
    token = issue_token(session, account=account, ip=candidate.ip, awaits_totp=awaits_totp, at=at)
    if not awaits_totp:
        note_log_in(session, account=account, actor=actor, at=at)
    return OpenedSession(token=token, awaits_totp=awaits_totp)


def issue_token(session: Session, *, account: StaffAccount, ip: str | None, awaits_totp: bool, at: datetime) -> str:
    """Open a session row and return its token, which is stored only as a hash."""
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            staff_id=account.id,
            token_hash=queries.token_hash(token),
            awaits_totp=awaits_totp,
            opened_at=at,
            seen_at=at,
            ip=ip,
        )
    )
    session.flush()
    return token


def note_log_in(session: Session, *, account: StaffAccount, actor: Actor, at: datetime) -> None:
    """Note a completed log-in on the account and in the audit log."""
    account.last_login_at = at
    audit.write(
        session,
        actor=Actor(rules.actor_name(account.id), actor.ip, actor.request_id),
        action="staff.log_in",
        subject=rules.actor_name(account.id),
        at=at,
    )


def note_failure(session: Session, *, candidate: Candidate, actor: Actor, at: datetime) -> None:
    """Note a refused log-in; the door does this in a second transaction."""
    staff_id = candidate.staff_id
    audit.write(
        session,
        actor=actor,
        action="staff.log_in_refused",
        subject=rules.actor_name(staff_id) if staff_id is not None else "staff:unknown",
        at=at,
    )


def authenticate(session: Session, *, token: str, at: datetime) -> rules.StaffCaller:
    """Return who is behind a session token, and keep the session from idling out.

    Raises:
        StaffSessionInvalid: unknown, revoked, idle or open too long, or the account is off.
    """
    caller = queries.caller_of(session, token=token, at=at)
    if at - caller.seen_at >= rules.SEEN_STEP:
        session.execute(update(StaffSession).where(StaffSession.id == caller.session_id).values(seen_at=at))
    return caller


def log_out(session: Session, *, caller: rules.StaffCaller, actor: Actor, at: datetime) -> None:
    """End the caller's session."""
    session.execute(update(StaffSession).where(StaffSession.id == caller.session_id).values(revoked_at=at))
    audit.write(
        session,
        actor=actor,
        action="staff.log_out",
        subject=rules.actor_name(caller.staff_id),
        at=at,
    )


def revoke_sessions(session: Session, *, staff_id: int, except_session_id: int | None = None, at: datetime) -> None:
    """End all open sessions of an account, or all but one."""
    statement = update(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.revoked_at.is_(None))
    if except_session_id is not None:
        statement = statement.where(StaffSession.id != except_session_id)
    session.execute(statement.values(revoked_at=at))


def _forget_old_traces(session: Session, *, at: datetime) -> None:
    throttle.forget_old(session, at=at)
    session.execute(delete(StaffSession).where(StaffSession.opened_at < at - rules.TRACES_KEPT))
