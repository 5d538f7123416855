"""The way of every call to WeChat Pay: fault queue, signature, rate, JSON, then the endpoint; every 2xx is signed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Blueprint, Response, request

from sandbox.dispatch import UNSTORABLE, as_json, serve
from sandbox.faults import Fault
from sandbox.pay import transfers, wire
from sandbox.pay.errors import PayError
from sandbox.world import World, current_world

HOST = "/api.mch.weixin.qq.com"
JSON = "application/json"
blueprint = Blueprint("pay", "sandbox.pay", url_prefix=f"{HOST}/v3")


@dataclass(frozen=True, kw_only=True)
class PayCall:
    """One call of an endpoint, checked."""

    world: World
    body: dict[str, Any]


Answer = dict[str, Any] | Response
Handler = Callable[..., Answer]


def endpoint(path: str, *, method: str = "GET") -> Callable[[Handler], Handler]:
    """Registers a function for a path below /v3; it runs in one transaction and raises PayError to refuse."""

    def register(handler: Handler) -> Handler:
        @wraps(handler)
        def view(**named: str) -> Response:
            world = current_world()
            return serve(
                world,
                appid=str(_object(request.get_data()).get("appid", "")),
                run=lambda: _answer(world, handler, named),
                seal=lambda response, fault: _sealed(world, response, fault),
            )

        blueprint.add_url_rule(path, view_func=view, methods=[method])
        return handler

    return register


def _answer(world: World, handler: Handler, named: dict[str, str]) -> Response:
    try:
        transfers.advance(world)
        call = _checked(world, handler.__name__)
        with world.store.transaction():
            answer = handler(call, **named)
    except PayError as error:
        return _refused(error)
    except UNSTORABLE:
        return _refused(PayError("PARAM_ERROR"))
    return answer if isinstance(answer, Response) else as_json(answer, JSON)


def _checked(world: World, name: str) -> PayCall:
    raw = request.get_data()
    path = request.path.removeprefix(HOST)
    query = request.query_string.decode("latin-1")
    wire.check_authorization(
        world,
        wire.Signed(
            method=request.method,
            path=f"{path}?{query}" if query else path,
            body=raw.decode("utf-8", "replace"),
            authorization=request.headers.get("Authorization", ""),
        ),
    )
    if world.pay.is_too_fast(name, per_second=world.config.merchant.per_second):
        raise PayError("FREQUENCY_LIMITED")
    return PayCall(world=world, body=_object(raw))


def _object(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body; whatever else it is counts as empty and fails for want of its fields."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _refused(error: PayError) -> Response:
    response = as_json({"code": error.code, "message": error.text}, JSON)
    response.status_code = error.status
    return response


def _sealed(world: World, response: Response, fault: Fault | None) -> Response:
    if 200 <= response.status_code < 300:
        signed = response.get_data().decode("utf-8", "replace")
        response.headers.extend(wire.signature_headers(world, signed, fault))
    return response
