"""Rate limits: only on the routes that ask for them, and always on those."""

from flask import Flask
from werkzeug.test import TestResponse

from miniprogram_api.limits import limiter
from tests.miniprogram_api.conftest import MiniProgram

HEADER = "X-RateLimit-Limit"


def ask_for_code(mini_program: MiniProgram, address: str) -> TestResponse:
    """Ask from an address that no other test comes from, with a phone that no code is sent to."""
    return mini_program.post("/phone/sms-codes", {"phone": "nonsense"}, environ_overrides={"REMOTE_ADDR": address})


def test_a_limited_route_tells_its_limit(mini_program: MiniProgram) -> None:
    assert ask_for_code(mini_program, "192.0.2.1").headers[HEADER] == "60"


def test_a_route_without_limit_tells_none(mini_program: MiniProgram) -> None:
    assert HEADER not in mini_program.get("/me").headers


def test_too_many_requests_are_told_when_to_come_back(mini_program: MiniProgram) -> None:
    for _ in range(60):
        assert ask_for_code(mini_program, "192.0.2.2").status_code == 422

    refused = ask_for_code(mini_program, "192.0.2.2")

    assert refused.status_code == 429
    assert refused.json["error"]["code"] == "limit_reached"  # type: ignore[index]
    assert int(refused.headers["Retry-After"]) > 0
    assert ask_for_code(mini_program, "192.0.2.3").status_code == 422


def test_the_limiter_looks_at_nothing_else(app: Flask) -> None:
    looked_at = {name for name, hooks in app.before_request_funcs.items() if limiter._check_request_limit in hooks}

    assert looked_at == {"miniprogram_sessions", "miniprogram_phone", "miniprogram_proofs", "miniprogram_sharing"}
