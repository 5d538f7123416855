"""What the log tells of a fault: enough to find it, nothing of the person it happened to."""

import io
import json
from collections.abc import Callable

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel import logs

CANARY = "oCanary" + "_openid"
"""Written in two parts, since a traceback shows lines of source code."""
Told = Callable[[Callable[[], object]], dict[str, str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Returns the line that is logged when a call fails."""

    def log(call: Callable[[], object]) -> dict[str, str]:
        logs.configure("WARNING")
        try:
            call()
        except Exception:
            structlog.get_logger("test").exception("failed")
        line: dict[str, str] = json.loads(capsys.readouterr().out)
        return line

    return log


def test_an_error_of_the_database_is_told_without_the_values_it_quotes(session: Session, told: Told) -> None:
    query, values = text("SELECT CAST(CAST(:given AS text) AS bigint)"), {"given": CANARY}

    line = told(lambda: session.execute(query, values))

    assert CANARY not in json.dumps(line)
    assert "22P02" in line["exception"]
    assert "test_logs.py" in line["exception"]


def test_a_broken_constraint_is_named(session: Session, told: Told) -> None:
    lease = text("INSERT INTO leases (name, holder, until) VALUES (:given, 'x', now())")
    session.execute(lease, {"given": CANARY})

    line = told(lambda: session.execute(lease, {"given": CANARY}))

    assert CANARY not in json.dumps(line)
    assert "pk_leases" in line["exception"]


def test_every_other_error_is_told_with_its_text_and_its_cause(told: Told) -> None:
    def fail() -> None:
        try:
            {}["menu"]
        except KeyError as error:
            raise ValueError("no such page") from error

    exception = told(fail)["exception"]

    assert exception.index("KeyError: 'menu'") < exception.index("ValueError: no such page")


def test_errors_that_caused_each_other_are_told_once(told: Told) -> None:
    def fail() -> None:
        first, second = ValueError("the first"), KeyError("the second")
        first.__cause__, second.__context__ = second, first
        raise first

    exception = told(fail)["exception"]

    assert (exception.count("the first"), exception.count("the second")) == (1, 1)


def test_a_logger_outlives_the_output_it_was_first_used_with(monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure("WARNING")
    logger = structlog.get_logger("test")
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr("sys.stdout", first)
    logger.warning("before")
    monkeypatch.setattr("sys.stdout", second)
    first.close()

    logger.warning("after")

    assert json.loads(second.getvalue())["event"] == "after"


def test_fields_that_name_a_person_are_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("WARNING")

    structlog.get_logger("test").warning("seen", openid="oCanary", phone="13800000001", member_id=7)

    line = json.loads(capsys.readouterr().out)
    assert (line["openid"], line["phone"], line["member_id"]) == ("[hidden]", "[hidden]", 7)
