"""Who stands at the till on our side: the clerk of this WeChat and the store they chose; deny by default."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import cast

import structlog
from flask import Response, flash, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from loyalty.clerks import queries
from loyalty.clerks.queries import OpenStore
from loyalty.clerks.rules import StoreNotChosen
from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import InvalidInput, LoyaltyError, Unavailable
from loyalty.kernel.transaction import run
from loyalty.staff.bindings import BoundStaff, find_bound
from loyalty.staff.rules import Permission
from portal.context import client_ip, container, request_id
from portal.h5 import session
from portal.h5.blueprint import blueprint
from portal.h5.form_keys import sent_key

STORE_COOKIE = "h5_clerk_store"
STORE_DAYS = 30
View = Callable[..., str | AnyResponse]
log = structlog.get_logger("web")


@dataclass(frozen=True, slots=True)
class Desk:
    """A clerk, the stores where they may stand, and the one where they do."""

    clerk: BoundStaff
    stores: tuple[OpenStore, ...]
    store: OpenStore | None

    @property
    def store_id(self) -> int:
        """Where the clerk stands.

        Raises:
            StoreNotChosen: nowhere yet.
        """
        if self.store is None:
            raise StoreNotChosen
        return self.store.id


class FormOutdated(InvalidInput):
    """The form carries no key that a page of ours gave it."""

    code = "clerk_form_outdated"
    message = "页面已过期，请返回重新打开"


def for_clerks(view: View) -> View:
    """Let only clerks open a page, once they have chosen a store; what is refused is told on their start page.

    What is away has a page of its own, which says when to come back.
    """

    @wraps(view)
    def with_store(**arguments: object) -> str | AnyResponse:
        if desk().store is None:
            return redirect(url_for("h5.clerk_stores"), 303)
        try:
            return view(**arguments)
        except Unavailable:
            raise
        except LoyaltyError as error:
            log.info("refused", code_name=error.code, endpoint=request.endpoint)
            flash(error.message, "error")
            return redirect(url_for("h5.clerk"), 303)

    return for_clerks_anywhere(with_store)


def for_clerks_anywhere(view: View) -> View:
    """Let only clerks open a page, also before they have chosen a store."""

    @wraps(view)
    def guarded(**arguments: object) -> str | AnyResponse:
        clerk = _clerk()
        if clerk is None or Permission.COUPONS_REDEEM not in clerk.permissions:
            return make_response(render_template("h5/clerk/refused.html", clerk=clerk), 403)
        g.desk = _desk(clerk)
        return view(**arguments)

    guarded.is_for_clerks = True  # type: ignore[attr-defined]
    return session.visitors_too(guarded)


def desk() -> Desk:
    """Return the desk of this request; only on pages for clerks."""
    return cast(Desk, g.desk)


def actor() -> Actor:
    """Return the clerk as the audit log names them."""
    return desk().clerk.actor(ip=client_ip(), request_id=request_id())


def form_key() -> str:
    """Return the key that the page gave its form: the same form again is the same act.

    Raises:
        FormOutdated: it has none of ours.
    """
    key = sent_key()
    if key is None:
        raise FormOutdated
    return key


@blueprint.get("/clerk/stores")
@for_clerks_anywhere
def clerk_stores() -> str:
    """Ask where the clerk stands."""
    return render_template("h5/clerk/stores.html", desk=desk())


@blueprint.post("/clerk/stores")
@for_clerks_anywhere
def choose_clerk_store() -> AnyResponse:
    """Remember where the clerk stands."""
    chosen = request.form.get("store_id", "")
    if chosen not in {str(store.id) for store in desk().stores}:
        flash(StoreNotChosen.message, "error")
        return redirect(url_for("h5.clerk_stores"), 303)
    response = cast(Response, redirect(url_for("h5.clerk"), 303))
    session.set_cookie(response, STORE_COOKIE, chosen, days=STORE_DAYS)
    return response


def _clerk() -> BoundStaff | None:
    caller = session.caller()
    return run(
        container().database,
        lambda database_session: find_bound(database_session, appid=caller.appid, openid=caller.openid),
    )


def _desk(clerk: BoundStaff) -> Desk:
    stores = tuple(
        run(container().database, lambda database_session: queries.open_stores(database_session, scope=clerk.scope))
    )
    chosen = request.cookies.get(STORE_COOKIE, "")
    store = next((store for store in stores if str(store.id) == chosen), stores[0] if len(stores) == 1 else None)
    return Desk(clerk, stores, store)
