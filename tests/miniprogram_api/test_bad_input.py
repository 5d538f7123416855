"""Bad input of any kind is refused in the API's own shape, and never a fault of ours."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from loyalty.kernel.pagination import encode_cursor
from tests.miniprogram_api.conftest import BASE, MiniProgram
from tests.support.bad_input import HALF_A_PAIR, TEXTS, TOO_BIG, percent_encoded, raw_bodies, spoiled

pytestmark = pytest.mark.usefixtures("plan")
ENDS_THE_SESSION = ("/sessions/current", "/closing")
IN_PATHS = {"kind": "points_changed", "purpose": "marketing"}


@pytest.fixture
def spec(client: FlaskClient) -> Any:
    return client.get(f"{BASE}/openapi.json").json


def operations(spec: Any) -> Iterator[tuple[str, str, Any]]:
    for path, of_path in spec["paths"].items():
        for method, operation in of_path.items():
            if method != "parameters" and not path.endswith(ENDS_THE_SESSION):
                yield path.removeprefix(BASE), method.upper(), operation


def filled(path: str, text: str | None = None) -> str:
    """Put ``text`` in place of the parameters of a path, or what fits there."""
    return re.sub(r"\{(\w+)\}", lambda found: text or IN_PATHS.get(found[1], "1"), path)


def example(spec: Any, schema: Any) -> Any:
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "properties" in schema:
        return {name: example(spec, part) for name, part in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example(spec, schema["items"])]
    return schema.get("enum", [schema.get("example", "1.0")])[0]


def is_told(response: TestResponse) -> bool:
    """Whether a request was answered, or refused in the one shape of refusals."""
    if response.status_code < 400:
        return True
    return response.status_code < 500 and bool(response.json["error"]["message"])


def test_no_body_breaks_any_operation(mini_program: MiniProgram, spec: Any) -> None:
    broken = []
    for path, method, operation in operations(spec):
        if "requestBody" not in operation:
            continue
        good = example(spec, operation["requestBody"]["content"]["application/json"]["schema"])
        bodies = [*raw_bodies(), *(json.dumps(body).encode() for body in spoiled(good))]
        for body in bodies:
            response = mini_program.send(method, filled(path), data=body, content_type="application/json")
            if not is_told(response):
                broken.append((method, path, body[:80], response.status_code))

    assert broken == []


def test_no_address_breaks_any_operation(mini_program: MiniProgram, spec: Any) -> None:
    broken = []
    for path, method, operation in operations(spec):
        addresses = [filled(path, percent_encoded(text)) for text in TEXTS if text and "{" in path]
        for parameter in operation.get("parameters", ()):
            name = parameter.get("name")
            addresses += [f"{filled(path)}?{name}={percent_encoded(text)}" for text in TEXTS]
        for address in addresses:
            response = mini_program.send(method, address, json={})
            if not is_told(response):
                broken.append((method, address[:80], response.status_code))

    assert broken == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "DELETE"])
def test_no_method_breaks_any_path(mini_program: MiniProgram, spec: Any, method: str) -> None:
    statuses = {
        mini_program.send(method, filled(path)).status_code
        for path, *_ in operations(spec)
        if not path.endswith(ENDS_THE_SESSION)
    }

    assert statuses <= {200, 204, 404, 405, 409}  # 409: there is no poster while no programme is in force


@pytest.mark.parametrize("path", ["/inbox/{}/read", "/binding-reviews/{}/staff", "/merge-proposals/{}/agreement"])
@pytest.mark.parametrize("number", [2**63 - 1, 2**63, int(TOO_BIG)])
def test_a_number_beyond_every_row_is_not_found(mini_program: MiniProgram, path: str, number: int) -> None:
    assert mini_program.post(path.format(number)).status_code == 404


@pytest.mark.parametrize("last_id", [-1, 2**63, 10**30])
def test_a_cursor_beyond_every_row_is_not_ours(mini_program: MiniProgram, last_id: int) -> None:
    for path in ("/inbox", "/points/entries"):
        response = mini_program.get(f"{path}?cursor={encode_cursor(last_id)}")

        assert (response.status_code, response.json["error"]["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize("limit", ["0", "101", "1e9", TOO_BIG, "x"])
def test_a_limit_out_of_range_is_refused(mini_program: MiniProgram, limit: str) -> None:
    response = mini_program.get(f"/points/entries?limit={limit}")

    assert response.status_code == 422
    assert "limit" in response.json["error"]["details"]["fields"]["query"]


@pytest.mark.parametrize("text", ["a\0b", HALF_A_PAIR])
def test_a_text_that_cannot_be_stored_is_refused(mini_program: MiniProgram, text: str) -> None:
    body = json.dumps({"store_code": text})

    response = mini_program.send("POST", "/check-ins", data=body, content_type="application/json")

    assert (response.status_code, response.json["error"]["code"]) == (422, "invalid_request")


def test_emoji_written_as_two_escapes_are_one_character(mini_program: MiniProgram) -> None:
    body = rb'{"nickname": "\ud83d\ude00\\u0000"}'

    assert mini_program.send("PATCH", "/me", data=body, content_type="application/json").status_code == 204
    assert mini_program.get("/me").json["member"]["nickname"] == "😀\\u0000"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_is_not_said_to_be_json_is_refused_not_ignored(
    mini_program: MiniProgram, content_type: str
) -> None:
    response = mini_program.send("POST", "/check-ins", data=b'{"store_code": "S1"}', content_type=content_type)

    assert (response.status_code, response.json["error"]["code"]) == (415, "unsupported_media_type")


def test_a_body_over_the_limit_is_refused(mini_program: MiniProgram) -> None:
    response = mini_program.send("POST", "/check-ins", data=b" " * (1024 * 1024 + 1), content_type="application/json")

    assert (response.status_code, response.json["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic x", "Bearer é", "Bearer a\tb", "Bearer " + "x" * 60_000]
)
def test_a_token_that_is_none_of_ours_is_refused(client: FlaskClient, header: str) -> None:
    response = client.get(f"{BASE}/me", headers={"Authorization": header})

    assert response.status_code == 401


@pytest.mark.parametrize(
    ("key", "status"),
    [("x" * 7, 422), ("x" * 8, 201), ("x" * 64, 201), ("x" * 65, 422), ("a b c d e", 422), ("é" * 9, 422)],
)
def test_an_idempotency_key_has_eight_to_sixty_four_plain_characters(
    mini_program: MiniProgram, key: str, status: int
) -> None:
    assert mini_program.post("/check-ins", key=key).status_code == status
