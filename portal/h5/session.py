"""The member's session in WeChat's browser: one cookie, checked with one statement.

Deny by default: every page needs at least a visitor's session and most need a member's; a page
that needs neither says so with ``public``.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Response, current_app, g, redirect, request, url_for

from loyalty.members.rules.identities import Door, SessionInvalid
from loyalty.members.service import Caller, authenticate
from portal.context import container

View = TypeVar("View", bound=Callable[..., Any])
COOKIE = "h5_session"


def public(view: View) -> View:
    """Mark a page that needs no session."""
    view.needs = "nothing"  # type: ignore[attr-defined]
    return view


def visitors_too(view: View) -> View:
    """Mark a page that a visitor (访客), known to WeChat but without a phone, may see."""
    view.needs = "session"  # type: ignore[attr-defined]
    return view


def before_login(answer: Callable[..., Response | None]) -> Callable[[View], View]:
    """Mark a page with what may answer whoever looks, before that is found out; it takes what the path names."""

    def mark(view: View) -> View:
        view.before_login = answer  # type: ignore[attr-defined]
        return view

    return mark


def needs(view: Callable[..., Any]) -> str:
    """Return what a page asks of its visitor: ``nothing``, ``session`` or ``member``."""
    return cast(str, getattr(view, "needs", "member"))


def guard() -> Response | None:
    """Find out who is looking; send strangers through OAuth and visitors to binding."""
    view = current_app.view_functions[request.endpoint or ""]
    if (answer := getattr(view, "before_login", None)) is not None:
        answered: Response | None = answer(**(request.view_args or {}))
        if answered is not None:
            return answered
    wanted = needs(view)
    g.caller = _caller()
    if wanted == "nothing":
        return None
    if g.caller is None:
        return _to(url_for("h5.login", next=_return_path()))
    if wanted == "member" and g.caller.member_id is None:
        return _to(url_for("h5.binding", next=_return_path()))
    return None


def caller() -> Caller:
    """Return who is looking; only on pages that need a session."""
    return cast(Caller, g.caller)


def member_id() -> int:
    """Return the member who is looking; only on pages that need a member."""
    return cast(int, caller().member_id)


def remember(response: Response, token: str) -> None:
    """Put a new session into the cookie."""
    set_cookie(response, COOKIE, token, days=30)


def set_cookie(response: Response, name: str, value: str, *, days: int = 0, seconds: int = 0) -> None:
    """Set a cookie that only our own pages send and no script reads."""
    response.set_cookie(
        name,
        value,
        max_age=days * 24 * 3600 + seconds,
        httponly=True,
        samesite="Lax",
        secure=container().settings.public_base_url.startswith("https://"),
    )


def _caller() -> Caller | None:
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    try:
        return authenticate(container().database, token=token, door=Door.H5, at=container().clock.now())
    except SessionInvalid:
        return None


def _return_path() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else url_for("h5.card")


def _to(location: str) -> Response:
    return cast(Response, redirect(location))
