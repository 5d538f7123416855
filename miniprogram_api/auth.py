"""The guard: every route needs a session, unless it says that it is public.

The token comes in ``Authorization: Bearer …`` and costs one statement to check.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, current_app, g, request

from loyalty.kernel.errors import NotAuthenticated
from loyalty.members.rules.identities import Door
from loyalty.members.service import authenticate
from miniprogram_api.context import container

View = TypeVar("View", bound=Callable[..., Any])


class TokenMissing(NotAuthenticated):
    """No bearer token came with the request."""

    code = "token_missing"
    message = "请先登录"


def public(view: View) -> View:
    """Mark a view that may be called without a session."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def is_public(view: Callable[..., Any]) -> bool:
    """Tell whether a view is marked public."""
    return getattr(view, "is_public", False)


def before_login(answer: Callable[..., Response | None]) -> Callable[[View], View]:
    """Mark a view with what may answer whoever calls, before that is found out; it takes what the path names."""

    def mark(view: View) -> View:
        view.before_login = answer  # type: ignore[attr-defined]
        return view

    return mark


def guard() -> Response | None:
    """Find out who is calling, before every view.

    Raises:
        TokenMissing: no token was sent.
        SessionInvalid: the token is unknown, expired or revoked.
    """
    view = current_app.view_functions[request.endpoint or ""]
    if is_public(view):
        return None
    if (answer := getattr(view, "before_login", None)) is not None:
        answered: Response | None = answer(**(request.view_args or {}))
        if answered is not None:
            return answered
    token = bearer_token()
    if not token:
        raise TokenMissing
    g.caller = authenticate(container().database, token=token, door=Door.MINI_PROGRAM, at=container().clock.now())
    return None


def bearer_token() -> str:
    """Return the token of the request, empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
