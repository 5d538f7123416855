"""Who may open which console page: deny by default (默认拒绝).

Every view says what it needs with ``requires``, ``public`` or ``for_waiting_log_in``. A view
without one is refused at registration, and again on every request.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar, cast

from flask import Response, current_app, g, make_response, redirect, request, url_for
from flask.sansio.app import App
from werkzeug.wrappers import Response as AnyResponse

from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import NotAllowed
from loyalty.kernel.transaction import run
from loyalty.staff import service
from loyalty.staff.queries import StaffSessionInvalid
from loyalty.staff.rules import Permission, StaffCaller, actor_name
from loyalty.stores.rules import StoreScope
from portal.context import client_ip, container, request_id

COOKIE = "console_session"
View = TypeVar("View", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Access:
    """What a view asks of whoever opens it."""

    permission: Permission | None = None
    is_for_waiting_log_in: bool = False
    is_open_before_password_change: bool = False


class PermissionMissing(NotAllowed):
    """The caller's roles do not include what the page needs."""

    code = "permission_missing"
    message = "您的角色没有此项权限，如有需要请联系总部管理员"


class WholeChainOnly(NotAllowed):
    """The caller sees a part of the chain only, and a batch may name anybody."""

    code = "whole_chain_only"
    message = "批量操作涉及全部会员，仅限数据范围为总部的账号"


class UnguardedView(AssertionError):
    """A console view does not say who may open it."""


def requires(permission: Permission, *, before_password_change: bool = False) -> Callable[[View], View]:
    """Let only callers with a permission open the view."""
    access = Access(permission, is_open_before_password_change=before_password_change)
    return lambda view: _marked(view, access)


def public(view: View) -> View:
    """Let anybody open the view: the log-in page, and nothing else."""
    return _marked(view, Access())


def for_waiting_log_in(view: View) -> View:
    """Let those open the view whose password was right and whose one-time code is owed."""
    return _marked(view, Access(is_for_waiting_log_in=True))


def access_of(view: object) -> Access | None:
    """Return what a view asks for, or None when it forgot to say."""
    return cast(Access | None, getattr(view, "console_access", None))


def refuse_unguarded_views(app: App) -> None:
    """Stop the application from starting with an unguarded console view.

    Raises:
        UnguardedView: names the endpoint.
    """
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith("console.") and access_of(view) is None:
            raise UnguardedView(endpoint)


def guard() -> AnyResponse | None:
    """Before every console request: find the caller, and check what the view asks for.

    Raises:
        StaffSessionInvalid: there is no usable session.
        PermissionMissing: the caller may not open this page, or nobody may.
    """
    g.staff = None
    access = access_of(current_app.view_functions.get(request.endpoint or ""))
    if access is None:
        raise PermissionMissing
    if access == Access():
        return None
    caller = _caller()
    if caller.awaits_totp != access.is_for_waiting_log_in:
        raise StaffSessionInvalid
    if access.permission is None:
        g.waiting_staff = caller
        return None
    g.staff = caller
    if access.permission not in caller.permissions:
        raise PermissionMissing(permission=access.permission)
    if caller.must_change_password and not access.is_open_before_password_change:
        return redirect(url_for("console.password"), 303)
    return None


def current_staff() -> StaffCaller:
    """Return the caller that the guard let through."""
    return cast(StaffCaller, g.staff)


def waiting_staff() -> StaffCaller:
    """Return the caller whose one-time code is owed."""
    return cast(StaffCaller, g.waiting_staff)


def current_scope() -> StoreScope:
    """Return the part of the store tree that the caller sees."""
    return current_staff().scope


def require_whole_chain() -> None:
    """Refuse whoever sees a part of the chain only.

    Raises:
        WholeChainOnly: they do.
    """
    if not current_scope().is_chain_wide:
        raise WholeChainOnly


def seen_stores() -> Collection[int] | None:
    """Return the stores whose members the caller sees; None for everybody."""
    scope = current_scope()
    return None if scope.is_chain_wide else scope.store_ids


def for_the_chain() -> None:
    """Refuse whoever does not see the whole chain, where something holds everywhere.

    Raises:
        PermissionMissing: the caller sees a part of the tree only.
    """
    if not current_scope().is_chain_wide:
        raise PermissionMissing


def may(permission: Permission) -> bool:
    """Tell whether the caller may do something: for what a page offers, never instead of a guard."""
    staff = g.get("staff")
    return staff is not None and permission in staff.permissions


def actor() -> Actor:
    """Return the caller as the audit log names them."""
    staff = g.get("staff") or g.get("waiting_staff")
    name = actor_name(staff.staff_id) if staff else "staff:unknown"
    return Actor(name, client_ip(), request_id())


def set_session_cookie(response: AnyResponse, token: str) -> AnyResponse:
    """Give the browser its session; ``Secure`` but in a trial over http."""
    response.set_cookie(
        COOKIE,
        token,
        path="/console",
        secure=container().settings.public_base_url.startswith("https://"),
        httponly=True,
        samesite="Lax",
    )
    return response


def forget_session_cookie(response: AnyResponse) -> AnyResponse:
    """Take the session from the browser."""
    response.delete_cookie(COOKIE, path="/console")
    return response


def to_log_in(_error: StaffSessionInvalid) -> Response:
    """Answer a request without a usable session: to the log-in page, and back afterwards."""
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    target = url_for("console.login", next=here)
    if request.headers.get("HX-Request"):
        response = make_response("", 401)
        response.headers["HX-Redirect"] = url_for("console.login")
        return response
    if request.accept_mimetypes.best == "application/json":
        return make_response({"error": {"code": _error.code, "message": _error.message}}, 401)
    return make_response(redirect(target, 303))


def _caller() -> StaffCaller:
    token = request.cookies.get(COOKIE)
    if not token:
        raise StaffSessionInvalid
    at = container().clock.now()
    return run(container().database, lambda session: service.authenticate(session, token=token, at=at))


def _marked(view: View, access: Access) -> View:
    view.console_access = access  # type: ignore[attr-defined]
    return view
