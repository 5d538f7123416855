"""Log-in and log-out of staff."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.staff import passwords, service
from loyalty.staff.rules import Permission
from loyalty.staff.service.login import LoginFailed, OpenedSession
from portal.console import access
from portal.console.blueprint import blueprint
from portal.context import client_ip, container
from portal.errors import status_of

LOGIN_LENGTH_MAX = 200


@blueprint.get("/login")
@access.public
def login() -> str:
    """Show the log-in form."""
    return render_template("console/login.html", username="", next=_next())


@blueprint.post("/login")
@access.public
def log_in() -> Response | tuple[str, int]:
    """Open a session for the right name and password."""
    username = request.form.get("username", "")[:LOGIN_LENGTH_MAX]
    try:
        opened = _opened_session(username, request.form.get("password", "")[:LOGIN_LENGTH_MAX])
    except LoyaltyError as error:
        flash(error.message, "danger")
        page = render_template("console/login.html", username=username, next=_next())
        return page, status_of(error)
    target = url_for("console.login_code", next=_next() or None) if opened.awaits_totp else _target()
    return access.set_session_cookie(redirect(target, 303), opened.token)


@blueprint.get("/login/code")
@access.for_waiting_log_in
def login_code() -> str:
    """Ask for the one-time code."""
    return render_template("console/login_code.html", next=_next())


@blueprint.post("/login/code")
@access.for_waiting_log_in
def give_login_code() -> Response | tuple[str, int]:
    """Complete a log-in with the one-time code."""
    caller, code = access.waiting_staff(), request.form.get("code", "")[:LOGIN_LENGTH_MAX]
    database, vault, at = container().database, container().vault, container().clock.now()
    try:
        run(database, lambda session: service.admit_code_try(session, caller=caller, at=at))
        token = run(
            database,
            lambda session: service.pass_totp(
                session, vault=vault, caller=caller, code=code, actor=access.actor(), at=at
            ),
        )
    except LoyaltyError as error:
        flash(error.message, "danger")
        return render_template("console/login_code.html", next=_next()), status_of(error)
    return access.set_session_cookie(redirect(_target(), 303), token)


@blueprint.post("/logout")
@access.requires(Permission.SELF, before_password_change=True)
def log_out() -> Response:
    """End the session."""
    at, caller = container().clock.now(), access.current_staff()
    run(
        container().database,
        lambda session: service.log_out(session, caller=caller, actor=access.actor(), at=at),
    )
    return access.forget_session_cookie(redirect(url_for("console.login"), 303))


def _opened_session(username: str, password: str) -> OpenedSession:
    database, at, ip = container().database, container().clock.now(), client_ip()
    candidate = run(database, lambda session: service.admit_try(session, username=username, ip=ip, at=at))
    # Outside a transaction: it takes long on purpose, and as long for a name that does not exist.
    is_right = passwords.matches(candidate.password_hash, password)
    if not is_right:
        # In a transaction of its own, so that it stays although the log-in is refused.
        run(
            database,
            lambda session: service.note_failure(session, candidate=candidate, actor=access.actor(), at=at),
        )
        raise LoginFailed
    return run(
        database,
        lambda session: service.open_session(session, candidate=candidate, actor=access.actor(), at=at),
    )


def _next() -> str:
    """Return where to go after the log-in: a page of ours, never another site."""
    wanted = request.values.get("next", "")
    is_ours = wanted.startswith("/console/") and "\\" not in wanted and not wanted.startswith("//")
    return wanted if is_ours else ""


def _target() -> str:
    return _next() or url_for("console.home")
