"""The second factor (动态口令): set up, asked for at log-in, taken away by an administrator."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.errors import Conflict, InvalidInput
from loyalty.staff import queries, rules, totp
from loyalty.staff.models import StaffAccount, StaffSession
from loyalty.staff.rules import StaffCaller
from loyalty.staff.service import login, throttle

_SEAL_CONTEXT = "staff_accounts.totp_sealed"


class WrongCode(InvalidInput):
    """The one-time code is wrong, too old, or was used before."""

    code = "wrong_totp_code"
    message = "动态口令不正确或已使用，请等待下一个口令"


class TotpNotStarted(Conflict):
    """There is no secret to confirm, or the second factor is on already."""

    code = "totp_not_started"
    message = "请重新打开设置页面"


def begin_totp(session: Session, *, vault: Vault, caller: StaffCaller) -> str:
    """Return the secret to scan, making one unless an unconfirmed one waits.

    Raises:
        TotpNotStarted: the second factor is on already; it is taken away first.
    """
    account = _locked(session, caller.staff_id)
    if account.totp_confirmed_at is not None:
        raise TotpNotStarted
    if account.totp_sealed is not None:
        return vault.open(account.totp_sealed, context=_SEAL_CONTEXT)
    secret = totp.new_secret()
    account.totp_sealed = vault.seal(secret, context=_SEAL_CONTEXT)
    session.flush()
    return secret


def confirm_totp(session: Session, *, vault: Vault, caller: StaffCaller, code: str, actor: Actor, at: datetime) -> None:
    """Switch the second factor on with a first right code; other sessions end.

    Raises:
        TotpNotStarted: there is nothing to confirm.
        WrongCode: the code does not fit.
    """
    account = _locked(session, caller.staff_id)
    if account.totp_sealed is None or account.totp_confirmed_at is not None:
        raise TotpNotStarted
    _use_code(account, vault=vault, code=code, at=at)
    account.totp_confirmed_at = at
    login.revoke_sessions(session, staff_id=account.id, except_session_id=caller.session_id, at=at)
    _audit(session, account, action="staff.totp_on", actor=actor, at=at)


def admit_code_try(session: Session, *, caller: StaffCaller, at: datetime) -> None:
    """Count a try to give the code.

    Raises:
        TooManyTries: of this account.
    """
    throttle.count_try(session, subject=_subject(caller), limit=rules.TRIES_PER_TOTP, at=at)


def pass_totp(session: Session, *, vault: Vault, caller: StaffCaller, code: str, actor: Actor, at: datetime) -> str:
    """Complete a log-in with the one-time code; return the token of the session it opens.

    Raises:
        TotpNotStarted: the account has no second factor.
        WrongCode: the code is wrong, old or used.
        StaffSessionInvalid: the session that waited for the code was used or ended meanwhile.
    """
    account = _locked(session, caller.staff_id)
    if account.totp_confirmed_at is None:
        raise TotpNotStarted
    _use_code(account, vault=vault, code=code, at=at)
    ended = session.scalar(
        update(StaffSession)
        .where(
            StaffSession.id == caller.session_id,
            StaffSession.awaits_totp,
            StaffSession.revoked_at.is_(None),
        )
        .values(revoked_at=at)
        .returning(StaffSession.id)
    )
    if ended is None:
        raise queries.StaffSessionInvalid
    throttle.forget(session, subject=_subject(caller))
    token = login.issue_token(session, account=account, ip=actor.ip, awaits_totp=False, at=at)
    login.note_log_in(session, account=account, actor=actor, at=at)
    return token


def remove_totp(session: Session, *, staff_id: int, actor: Actor, at: datetime) -> None:
    """Take the second factor away, such as after a lost phone; all sessions end.

    Raises:
        StaffNotFound: there is no such account.
    """
    account = _locked(session, staff_id)
    account.totp_sealed = account.totp_confirmed_at = None
    login.revoke_sessions(session, staff_id=staff_id, at=at)
    _audit(session, account, action="staff.totp_off", actor=actor, at=at)


def _use_code(account: StaffAccount, *, vault: Vault, code: str, at: datetime) -> None:
    secret = vault.open(account.totp_sealed or b"", context=_SEAL_CONTEXT)
    step = totp.matching_step(secret, code, after_step=account.totp_last_step, at=at)
    if step is None:
        raise WrongCode
    account.totp_last_step = step


def _locked(session: Session, staff_id: int) -> StaffAccount:
    account = session.scalars(
        select(StaffAccount)
        .where(StaffAccount.id == staff_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if account is None:
        raise queries.StaffNotFound
    return account


def _subject(caller: StaffCaller) -> str:
    return throttle.subject_of("totp", str(caller.staff_id))


def _audit(session: Session, account: StaffAccount, *, action: str, actor: Actor, at: datetime) -> None:
    audit.write(session, actor=actor, action=action, subject=rules.actor_name(account.id), at=at)
