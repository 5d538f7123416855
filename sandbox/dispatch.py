"""The way of every platform call: fault queue, method, token, kind of account, JSON, quota, then the endpoint.

An endpoint is a function with a ``Call``; it runs in one transaction and raises ApiError to refuse. What it asks for
with ``Call.later`` starts only after the transaction has been committed.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from sandbox import quotas, tokens
from sandbox.clock import iso
from sandbox.config import Account
from sandbox.errors import ApiError, message
from sandbox.faults import Fault, overlay
from sandbox.pay import errors as pay_errors
from sandbox.push import Push, later
from sandbox.world import World, current_world

API = "api.weixin.qq.com"
JSON = "application/json; charset=UTF-8"
OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
UNSTORABLE = (OverflowError, UnicodeEncodeError)
"""What SQLite raises for integers over 64 bits and for lone surrogates."""
DROP = "sandbox.drop"
"""The key in the WSGI environment that makes the server close the connection without an answer."""


@dataclass(kw_only=True)
class Call:
    """One call of an endpoint, checked."""

    world: World
    query: Mapping[str, str]
    body: dict[str, Any]
    address: str
    token_account: Account | None
    pushes: list[tuple[Push, float | None]] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """The account whose token came with the call."""
        if self.token_account is None:
            raise ApiError(41001)
        return self.token_account

    def later(self, push: Push, *, delay: float | None = None) -> None:
        """Sends a push after the answer."""
        self.pushes.append((push, delay))

    def text(self, name: str, *, refuse: int, default: str | None = None) -> str:
        """A non-empty text of the body. Raises ApiError ``refuse``."""
        value = self.body.get(name, default)
        if not isinstance(value, str) or (not value and default is None):
            raise ApiError(refuse)
        return value

    def integer(self, name: str, *, refuse: int, default: int | None = None) -> int:
        """An integer of the body. Raises ApiError ``refuse``."""
        value = self.body.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ApiError(refuse)
        return value

    def texts(self, name: str, *, refuse: int, most: int) -> list[str]:
        """A list of 1 to ``most`` texts of the body. Raises ApiError ``refuse``."""
        value = self.body.get(name)
        if not isinstance(value, list) or not 1 <= len(value) <= most or not all(isinstance(one, str) for one in value):
            raise ApiError(refuse)
        return value

    def part(self, name: str, *, refuse: int) -> dict[str, Any]:
        """An object of the body. Raises ApiError ``refuse``."""
        value = self.body.get(name)
        if not isinstance(value, dict):
            raise ApiError(refuse)
        return value


Answer = dict[str, Any] | Response
Handler = Callable[[Call], Answer]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What an interface demands before its function runs."""

    handler: Handler
    path: str
    method: str
    kind: str | None
    needs_token: bool
    day: int | None
    minute: int | None
    content_type: str


ENDPOINTS: dict[str, Endpoint] = {}


def endpoint(
    path: str,
    *,
    method: str = "POST",
    kind: str | None = None,
    needs_token: bool = True,
    day: int | None = None,
    minute: int | None = None,
    content_type: str = JSON,
) -> Callable[[Handler], Handler]:
    """Registers a function for a path of the API host; ``kind`` limits it to accounts of one kind."""

    def register(handler: Handler) -> Handler:
        ENDPOINTS[path] = Endpoint(
            handler=handler, path=path, method=method, kind=kind, needs_token=needs_token, day=day, minute=minute,
            content_type=content_type,
        )  # fmt: skip
        return handler

    return register


def api(path: str) -> Response:
    """Answers a call to the API host."""
    world = current_world()
    wanted = ENDPOINTS.get(f"/{path}")
    appid = request.args.get("appid") or tokens.owner(world, request.args.get("access_token", "")) or _body_appid()
    return serve(world, appid=appid, run=lambda: _answer(world, wanted))


def serve(
    world: World,
    *,
    appid: str,
    run: Callable[[], Response],
    refuse: Callable[[ApiError], Response] | None = None,
    seal: Callable[[Response, Fault | None], Response] | None = None,
) -> Response:
    """Runs a request under the fault queue and logs it.

    ``refuse`` gives an errcode another form than JSON; ``seal`` signs what the fault has left of the answer.
    """
    started = time.monotonic()
    fault = world.faults.take(target="api", method=request.method, path=request.path, appid=appid)
    response = run() if fault is None else _spoiled(world, fault, run, refuse)
    response = response if seal is None else seal(response, fault)
    world.logs.requests.add(
        {
            "at": iso(world.clock.now()),
            "method": request.method,
            "path": request.path,
            "query": dict(request.args),
            "appid": appid,
            "body": request.get_data(as_text=True),
            "http": None if request.environ.get(DROP) else response.status_code,
            "errcode": _errcode(response),
            "response": response.get_data(as_text=True)
            if (response.mimetype or "").startswith(("application/json", "text/"))
            else "",
            "ms": round((time.monotonic() - started) * 1000),
            "fault": None if fault is None else fault.id,
        }
    )
    return response


def refusal(world: World, error: ApiError, content_type: str = JSON) -> Response:
    """An errcode answer with its rid."""
    rid = "-".join(world.random.hex(8) for _ in range(3))
    return as_json({"errcode": error.errcode, "errmsg": f"{error.errmsg} rid: {rid}"}, content_type)


def as_json(body: Mapping[str, Any], content_type: str = JSON) -> Response:
    """A JSON answer with Chinese left readable."""
    return Response(json.dumps(body, ensure_ascii=False), content_type=content_type)


def _answer(world: World, wanted: Endpoint | None) -> Response:
    try:
        if wanted is None:
            raise ApiError(40066)
        call = _checked(world, wanted)
        with world.store.transaction():
            answer = wanted.handler(call)
    except ApiError as error:
        return refusal(world, error, wanted.content_type if wanted else JSON)
    except UNSTORABLE:
        return refusal(world, ApiError(47001))
    for push, delay in call.pushes:
        later(world, push, delay=delay)
    return answer if isinstance(answer, Response) else as_json(answer, wanted.content_type)


def _checked(world: World, wanted: Endpoint) -> Call:
    """The checks that stand before every endpoint, in the platform's order."""
    account: Account | None = None
    if wanted.needs_token:
        account = tokens.check(world, request.args.get("access_token"))
        check_address(account, request.remote_addr or "")
        if wanted.kind not in (None, account.kind):
            raise ApiError(48001)
    if request.method != wanted.method:
        raise ApiError(43002 if wanted.method == "POST" else 43001)
    body = _body() if wanted.method == "POST" else {}
    if account is not None:
        quotas.count(world, appid=account.appid, path=wanted.path, day=wanted.day, minute=wanted.minute)
    return Call(
        world=world, query=request.args.to_dict(), body=body, address=request.remote_addr or "", token_account=account
    )


def check_address(account: Account, address: str) -> None:
    """Refuses callers outside the account's list of addresses, if it has one, with 40164."""
    if account.ip_whitelist and address not in account.ip_whitelist:
        raise ApiError(40164, f"{address} ipv6 ::ffff:{address}")


def _body() -> dict[str, Any]:
    """The JSON object of the body, whatever the Content-Type says."""
    raw = request.get_data()
    if not raw.strip():
        raise ApiError(44002)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ApiError(47001) from error
    if not isinstance(body, dict):
        raise ApiError(47001)
    return body


def _body_appid() -> str:
    try:
        return str(_body().get("appid", ""))
    except ApiError:
        return ""


def _spoiled(
    world: World, fault: Fault, run: Callable[[], Response], refuse: Callable[[ApiError], Response] | None
) -> Response:
    if fault.delay_ms:
        world.stopping.wait(fault.delay_ms / 1000)
    if fault.drop == "before":
        request.environ[DROP] = True
        return Response()
    shapes = any(given is not None for given in (fault.errcode, fault.code, fault.http, fault.body))
    response = Response() if shapes and not fault.apply else run()
    if fault.answer_delay_ms:
        world.stopping.wait(fault.answer_delay_ms / 1000)
    if fault.drop == "after":
        request.environ[DROP] = True
    if not shapes:
        return _altered(fault, response)
    return _shaped(fault, response, refuse or (lambda error: refusal(world, error)))


def _shaped(fault: Fault, response: Response, refuse: Callable[[ApiError], Response]) -> Response:
    """The answer a fault puts in place of the real one."""
    if fault.errcode is not None:
        error = ApiError(fault.errcode)
        error.errmsg = fault.errmsg or message(fault.errcode)
        response = refuse(error)
    elif fault.code is not None:
        status, text = pay_errors.refusal(fault.code)
        response = as_json({"code": fault.code, "message": fault.errmsg or text})
        response.status_code = status
    elif fault.body is not None:
        response = Response(fault.body, content_type="text/html; charset=utf-8")
    if fault.http is not None:
        response.status_code = fault.http
    return response


def _altered(fault: Fault, response: Response) -> Response:
    if (fault.set or fault.unset) and isinstance(parsed := response.get_json(force=True, silent=True), dict):
        response.set_data(json.dumps(overlay(parsed, fault), ensure_ascii=False))
    if fault.truncate is not None:
        response.set_data(response.get_data()[: fault.truncate])
    return response


def _errcode(response: Response) -> int | str | None:
    parsed = (
        response.get_json(force=True, silent=True)
        if (response.mimetype or "").startswith(("application/json", "text/plain"))
        else None
    )
    return parsed.get("errcode", parsed.get("code", 0)) if isinstance(parsed, dict) else None
