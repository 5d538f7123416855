"""What everybody may do with their own account."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import InvalidInput
from loyalty.staff import passwords, queries, rules
from loyalty.staff.rules import StaffCaller
from loyalty.staff.service import login, throttle


class WrongPassword(InvalidInput):
    """The present password is wrong."""

    code = "wrong_password"
    message = "当前密码不正确"


class SamePassword(InvalidInput):
    """The new password is the present one."""

    code = "same_password"
    message = "新密码不能与当前密码相同"


def admit_password_try(session: Session, *, caller: StaffCaller, at: datetime) -> None:
    """Count a try to change the password, before the present one is judged.

    Raises:
        TooManyTries: of this account; whoever found an open browser does not guess on.
    """
    subject = throttle.subject_of("password", str(caller.staff_id))
    throttle.count_try(session, subject=subject, limit=rules.TRIES_PER_PASSWORD_CHANGE, at=at)


def change_password(
    session: Session, *, caller: StaffCaller, current: str, new: str, actor: Actor, at: datetime
) -> None:
    """Replace one's own password; all other sessions of the account end.

    Raises:
        WrongPassword: the present password was typed wrong.
        SamePassword: nothing would change.
        WeakPassword: the new one would be guessed.
    """
    account = queries.get_account(session, staff_id=caller.staff_id)
    if not passwords.matches(account.password_hash, current):
        raise WrongPassword
    if current == new:
        raise SamePassword
    rules.check_password(new, username=account.username)
    account.password_hash = passwords.hash_password(new)
    account.must_change_password = False
    account.password_changed_at = at
    throttle.forget(session, subject=throttle.subject_of("password", str(caller.staff_id)))
    login.revoke_sessions(session, staff_id=account.id, except_session_id=caller.session_id, at=at)
    audit.write(
        session,
        actor=actor,
        action="staff.change_password",
        subject=rules.actor_name(account.id),
        at=at,
    )
