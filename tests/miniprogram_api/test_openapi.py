"""The description is valid, complete, readable offline, and the service keeps to it."""

from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.miniprogram_api.conftest import BASE, MiniProgram

ENDS_THE_SESSION = ("/sessions/current", "/closing")


@pytest.fixture
def spec(client: FlaskClient) -> Any:
    return client.get(f"{BASE}/openapi.json").json


class TestDescription:
    def test_is_openapi_3_1_and_names_every_route(self, spec: Any, app: Flask) -> None:
        assert spec["openapi"].startswith("3.1")
        routes = {
            rule.rule.replace("<int:", "{").replace("<", "{").replace(">", "}")
            for rule in app.url_map.iter_rules()
            if rule.rule.startswith(BASE) and not rule.endpoint.startswith("miniprogram_docs")
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

    def test_the_page_needs_nothing_from_elsewhere(self, client: FlaskClient) -> None:
        page = client.get(f"{BASE}/docs").text

        assert "/check-ins" in page
        assert "http://" not in page
        assert "https://" not in page


def test_no_input_breaks_the_service_or_its_promises(app: Flask, mini_program: MiniProgram, plan: None) -> None:
    description = schemathesis.openapi.from_wsgi(f"{BASE}/openapi.json", app)
    headers = {"Authorization": f"Bearer {mini_program.token}"}
    checks = (not_a_server_error, response_schema_conformance, content_type_conformance)
    operations = [found.ok() for found in description.get_all_operations()]

    for operation in operations:
        if operation.path.endswith(ENDS_THE_SESSION):
            continue

        @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            case.validate_response(case.call(headers=headers), checks=checks)

        holds()

    assert len(operations) > 20
