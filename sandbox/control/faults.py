"""Control API: the fault queue, the logs, and pushes made by hand."""

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify, request

from sandbox.control.door import Malformed, blueprint, body, need, pushed
from sandbox.log import Log
from sandbox.push import Push, event, verify_url
from sandbox.users import UserNotFound
from sandbox.world import current_world


@blueprint.get("/faults")
def list_faults() -> Response:
    """The faults that can still strike."""
    return jsonify(current_world().faults.queued())


@blueprint.post("/faults")
def queue_fault() -> tuple[Response, int]:
    """Queues a fault."""
    fault = current_world().faults.add(body())
    return jsonify(asdict(fault)), 201


@blueprint.delete("/faults")
def clear_faults() -> Response:
    """Empties the queue."""
    current_world().faults.clear()
    return jsonify(ok=True)


@blueprint.get("/log/requests")
def list_requests() -> Response:
    """The platform calls received; ``path`` keeps those whose path contains it."""
    return _filtered(current_world().logs.requests, "path")


@blueprint.get("/log/pushes")
def list_pushes() -> Response:
    """The pushes sent; ``event`` keeps those of that name."""
    return _filtered(current_world().logs.pushes, "event")


@blueprint.delete("/log/requests")
def clear_requests() -> Response:
    """Empties the request log."""
    current_world().logs.requests.clear()
    return jsonify(ok=True)


@blueprint.delete("/log/pushes")
def clear_pushes() -> Response:
    """Empties the push log."""
    current_world().logs.pushes.clear()
    return jsonify(ok=True)


@blueprint.post("/push")
def push_by_hand() -> Response:
    """Pushes a raw body (``xml``) or the fields of an ``event`` in the name of an openid, in any ``mode``."""
    world, given = current_world(), body()
    account = world.account(need(given, "appid", str))
    if account is None:
        raise UserNotFound(f"no account {given['appid']}")
    if given.get("mode") not in (None, "plain", "compatible", "safe"):
        raise Malformed("mode must be plain, compatible or safe")
    openid = str(given.get("openid", ""))
    if "xml" in given:
        push = Push(appid=account.appid, openid=openid, fields={}, raw=need(given, "xml", str), mode=given.get("mode"))
        return jsonify(push=pushed(world, push, given))
    fields: dict[str, Any] = need(given, "event", dict)
    name = str(fields.get("Event", ""))
    whole = event(world, account=account, openid=openid, name=name, extra={}).fields
    push = Push(
        appid=account.appid, openid=openid, fields={**whole, **fields}, mode=given.get("mode"), is_conversation=True
    )
    return jsonify(push=pushed(world, push, given))


@blueprint.post("/push/verify")
def verify_push_url() -> Response:
    """Checks an account's push URL with a signed GET, as the console does."""
    world = current_world()
    account = world.account(need(body(), "appid", str))
    if account is None or not account.push_url:
        raise UserNotFound("no such account, or it has no push_url")
    return jsonify(verify_url(world, account))


def _filtered(log: Log, key: str) -> Response:
    wanted = request.args.get(key, "")
    return jsonify([entry for entry in log.entries() if wanted in str(entry[key])])
