import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from loyalty.kernel.database import connect
from tests.support.containers import null_container


class TestProbes:
    def test_healthz_needs_nothing(self, client: FlaskClient) -> None:
        assert client.get("/healthz").json == {"status": "ok"}

    def test_readyz_looks_at_the_engines(self, client: FlaskClient) -> None:
        assert client.get("/readyz").json == {"database": "ok", "redis": "ok"}

    def test_readyz_fails_without_a_database_and_lives_without_redis(self, redis_url: str, at) -> None:  # type: ignore[no-untyped-def]
        nowhere = connect("postgresql://nobody@127.0.0.1:1/nothing", connections=1)
        app = create_app(null_container(nowhere, redis_url="redis://127.0.0.1:1/0", at=at))

        answer = app.test_client().get("/readyz")

        assert answer.status_code == 503
        assert answer.json == {"database": "down", "redis": "down"}


class TestMetrics:
    def test_count_requests_and_what_waits(self, client: FlaskClient) -> None:
        client.get("/healthz")

        text = client.get("/metrics").text

        assert 'portal_requests_total{endpoint="ops.healthz"' in text
        assert "portal_outbox_waiting 0.0" in text
        assert "portal_notices_unknown" in text
        assert "portal_message_templates_broken 0.0" in text

    def test_are_for_this_machine_only_without_a_token(self, client: FlaskClient) -> None:
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 403


class TestAnswers:
    def test_every_answer_carries_the_security_headers_and_an_id(self, client: FlaskClient) -> None:
        for path in ("/healthz", "/h5/login", "/nothing", "/console/login", "/miniprogram/v1/me"):
            headers = client.get(path).headers
            assert "default-src 'self'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Request-Id"]

    def test_an_unknown_page_is_told_in_chinese(self, client: FlaskClient) -> None:
        page = client.get("/nothing")

        assert page.status_code == 404
        assert "没有找到这个页面" in page.text

    def test_a_fault_of_ours_is_told_without_its_details(self, app: Flask) -> None:
        app.testing = False
        app.view_functions["ops.healthz"] = lambda: 1 / 0

        page = app.test_client().get("/healthz")

        assert page.status_code == 500
        assert "division" not in page.text

    def test_the_log_of_a_request_holds_no_personal_data(
        self, client: FlaskClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from loyalty.kernel import logs

        logs.configure("INFO")
        client.get("/h5/points?phone=13800000001")
        logs.configure("WARNING")

        assert "13800000001" not in capsys.readouterr().out


def test_the_domain_check_files_of_wechat_are_served(database, redis_url: str, at) -> None:  # type: ignore[no-untyped-def]
    files = json.dumps({"MP_verify_abc.txt": "abc"})
    client = create_app(null_container(database, redis_url=redis_url, at=at, DOMAIN_CHECK_FILES=files)).test_client()

    assert client.get("/MP_verify_abc.txt").text == "abc"
    assert client.get("/MP_verify_other.txt").status_code == 404
