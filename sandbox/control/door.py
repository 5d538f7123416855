"""The blueprint of the control API: its errors, its body, and access from pages of the accounts' own domains."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.addresses import web_host
from sandbox.dispatch import UNSTORABLE
from sandbox.faults import FaultInvalid
from sandbox.follows import ActRefused
from sandbox.oauth import AuthorizeRefused
from sandbox.push import Outcome, Push, later, send
from sandbox.shapes import ConfigInvalid
from sandbox.users import UserInvalid, UserNotFound
from sandbox.world import World, current_world

blueprint = Blueprint("control", "sandbox.control", url_prefix="/_sim")


class Malformed(Exception):
    """The request itself is wrong; the text says what is missing."""


STATUS: dict[type[Exception], int] = {
    Malformed: 400,
    UserInvalid: 400,
    FaultInvalid: 400,
    ConfigInvalid: 400,
    AuthorizeRefused: 400,
    UserNotFound: 404,
    ActRefused: 409,
}


def _refused(error: Exception) -> tuple[Response, int]:
    return jsonify(error=str(error)), STATUS[type(error)]


def _unstorable(error: Exception) -> tuple[Response, int]:
    return jsonify(error="a number is too large, or a text holds half a character"), 400


for refused in STATUS:
    blueprint.register_error_handler(refused, _refused)
for unstorable in UNSTORABLE:
    blueprint.register_error_handler(unstorable, _unstorable)


def body() -> dict[str, Any]:
    """The JSON object of the request; an empty body counts as {}. Raises Malformed."""
    if not request.get_data().strip():
        return {}
    found = request.get_json(force=True, silent=True)
    if not isinstance(found, dict):
        raise Malformed("the body must be a JSON object")
    return found


def need(given: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """A field that must be there and of its kind. Raises Malformed."""
    value = given.get(name)
    if not isinstance(value, kind) or isinstance(value, bool) and kind is int:
        raise Malformed(f"{name} is needed ({kind.__name__})")
    return value


def pushed(world: World, push: Push | None, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Sends a push and tells what came of it; with ``"wait": false`` it goes out in the background."""
    if push is None:
        return None
    if given.get("wait", True):
        return send(world, push).public()
    later(world, push, delay=0)
    return Outcome(status="queued").public()


@blueprint.before_request
def refuse_foreign_pages() -> tuple[Response, int] | None:
    """A web page of somebody else that happens to be open in the same browser must not play with the sandbox."""
    if "Origin" in request.headers and not _is_own(request.headers["Origin"]):
        return jsonify(error="this page's domain is not one of the accounts' js_domains"), 403
    return None


@blueprint.after_request
def allow_own_pages(response: Response) -> Response:
    """Lets pages served from the accounts' JS domains call the control API, as the sandbox's JS-SDK does."""
    origin = request.headers.get("Origin", "")
    if _is_own(origin):
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PATCH, DELETE"
        response.headers["Vary"] = "Origin"
    return response


def _is_own(origin: str) -> bool:
    domains = {domain for account in current_world().config.accounts for domain in account.js_domains}
    return web_host(origin) in {*domains, web_host(request.host_url)}
