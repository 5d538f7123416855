"""Door: everything on the web that is not the mini program.

Pages of members and clerks (``h5``), the staff's back office (``console``), what WeChat pushes to us
(``callbacks``) and what tills and other systems ask (``partner_api``). A door parses, authorises, calls one service
function and renders.
"""

from collections.abc import Iterable

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException

from loyalty.settings import Settings
from portal import callbacks, console, errors, h5, ops, partner_api, web
from portal.commands import groups


def prepare(app: Flask, settings: Settings) -> None:
    """Put on the application what the answers of all doors have in common; call it before any door's ``register``."""
    web.install(app, settings)


def register(app: Flask, *, without_csrf: Iterable[Blueprint]) -> None:
    """Put the portal's pages and commands on the application.

    ``without_csrf`` are blueprints of other doors, whose callers prove themselves without a cookie.
    """
    for blueprint in (ops.blueprint, h5.blueprint, console.blueprint, callbacks.blueprint):
        app.register_blueprint(blueprint)
    for blueprint in (callbacks.blueprint, *partner_api.register(app), *without_csrf):
        web.csrf.exempt(blueprint)
    for group in groups:
        app.cli.add_command(group)


def unrouted(error: HTTPException) -> Response:
    """Answer a path or method that no route of the portal matches."""
    if partner_api.owns(request.path):
        return partner_api.unrouted(error)
    return errors.unrouted(error)
