"""The description is valid, complete, readable offline, and the service keeps to it, also with bad input."""

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.kernel.pagination import encode_cursor
from loyalty.members.models import Member
from tests.factories.checkout import ACCEPTING, save_policy
from tests.factories.earning import make_rule
from tests.portal.partner_api.conftest import BASE, Till, unused
from tests.support.bad_input import TEXTS, percent_encoded, raw_bodies, spoiled

PARTS = 8


@pytest.fixture
def spec(client: FlaskClient) -> Any:
    return client.get(f"{BASE}/openapi.json").json


@pytest.fixture
def programme(session: Session) -> None:
    make_rule(session)
    save_policy(session, ACCEPTING)
    session.commit()


class TestDescription:
    def test_is_openapi_3_1_and_names_every_route(self, spec: Any, app: Flask) -> None:
        assert spec["openapi"].startswith("3.1")
        routes = {
            re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            for rule in app.url_map.iter_rules()
            if rule.rule.startswith(BASE) and not rule.endpoint.startswith("partner_docs")
        }
        assert routes == set(spec["paths"])

    def test_every_operation_says_what_it_does(self, spec: Any) -> None:
        silent = [
            f"{method} {path}"
            for path, operations in spec["paths"].items()
            for method, operation in operations.items()
            if method != "parameters" and not operation.get("summary")
        ]
        assert silent == []

    def test_describes_this_door_alone(self, spec: Any, client: FlaskClient) -> None:
        other = client.get("/miniprogram/v1/openapi.json").json

        assert all(path.startswith(BASE) for path in spec["paths"])
        assert not any(path.startswith(BASE) for path in other["paths"])  # type: ignore[index]

    def test_the_page_needs_nothing_from_elsewhere(self, client: FlaskClient) -> None:
        page = client.get(f"{BASE}/docs").text

        assert "/purchases" in page
        assert "http://" not in page
        assert "https://" not in page


@dataclass(frozen=True)
class Signing:
    """Signs whatever comes, as a till that sends nonsense would."""

    served: Callable[..., Any]
    till: Till

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        target = f"{path}?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else path
        for name, value in self.till.headers(environ["REQUEST_METHOD"], target, body).items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return self.served(environ | {"wsgi.input": io.BytesIO(body)}, start_response)


def test_no_input_breaks_the_service_or_its_promises(app: Flask, till: Till, programme: None) -> None:
    app.wsgi_app = Signing(app.wsgi_app, till)  # type: ignore[method-assign]
    description = schemathesis.openapi.from_wsgi(f"{BASE}/openapi.json", app)
    checks = (not_a_server_error, response_schema_conformance, content_type_conformance)
    operations = [found.ok() for found in description.get_all_operations()]
    statuses: set[int] = set()

    for operation in operations:

        @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            answer = case.call()
            statuses.add(answer.status_code)
            case.validate_response(answer, checks=checks)

        holds()

    assert len(operations) == 23
    assert 401 not in statuses


def operations_of(spec: Any) -> Iterator[tuple[str, str, Any]]:
    for path, of_path in spec["paths"].items():
        for method, operation in of_path.items():
            if method != "parameters":
                yield re.sub(r"\{\w+\}", "x-1", path.removeprefix(BASE)), method.upper(), operation


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
    return response.status_code < 500 and bool(response.json["error"]["message"])  # type: ignore[index]


def test_no_body_breaks_any_operation(till: Till, spec: Any, programme: None) -> None:
    broken = []
    for number, (path, method, operation) in enumerate(operations_of(spec)):
        if "requestBody" not in operation:
            continue
        good = example(spec, operation["requestBody"]["content"]["application/json"]["schema"])
        bodies = [*raw_bodies(), *(json.dumps(body).encode() for body in spoiled(good))]
        # Every operation gets another part of them; together they get all.
        for body in bodies[number % PARTS :: PARTS]:
            response = till.send(method, path, data=body, key=unused("key"), content_type="application/json")
            if not is_told(response):
                broken.append((method, path, body[:80], response.status_code))

    assert broken == []


def test_no_address_breaks_any_operation(till: Till, spec: Any) -> None:
    broken = []
    for text in TEXTS:
        for target in (
            f"/statement?on={percent_encoded(text)}",
            f"/statement?on=2026-03-10&cursor={percent_encoded(text)}",
        ):
            response = till.send("GET", target)
            if not is_told(response):
                broken.append((target[:80], response.status_code))
    for last_id in (-1, 2**63):
        response = till.get("/statement", {"on": "2026-03-10", "cursor": encode_cursor(last_id)})
        broken += [] if response.status_code == 422 else [("cursor", response.status_code)]

    assert broken == []


@pytest.mark.parametrize("key", ["", "x" * 7, "x" * 65, "a b c d e", "é" * 9])
def test_a_report_without_number_needs_an_idempotency_key(till: Till, member: Member, key: str) -> None:
    refused = till.post("/members", {"store_code": till.store.code, "phone": "13800000001"}, key=key or None)

    assert (refused.status_code, refused.json["error"]["code"]) == (422, "invalid_request")  # type: ignore[index]


def test_a_body_over_the_limit_is_refused_unread(till: Till) -> None:
    for path, most in (("/purchases", 1024 * 1024), ("/batches", 4 * 1024 * 1024)):
        refused = till.send("POST", path, data=b" " * (most + 1), content_type="application/json")
        assert (refused.status_code, refused.json["error"]["code"]) == (413, "body_too_large")  # type: ignore[index]


@pytest.mark.parametrize("depth", [150, 300, 450, 600, 900])
def test_a_body_nested_deeper_than_can_be_looked_through_is_refused(till: Till, depth: int) -> None:
    body = b'{"a":' * depth + rb'"\u0000"' + b"}" * depth

    assert till.send("POST", "/events", data=body, content_type="application/json").status_code in (400, 422)


def test_an_unknown_path_and_a_wrong_method_answer_in_json(client: FlaskClient) -> None:
    assert client.get(f"{BASE}/nothing").json["error"]["code"] == "not_found"  # type: ignore[index]
    assert client.put(f"{BASE}/purchases").json["error"]["code"] == "method_not_allowed"  # type: ignore[index]
