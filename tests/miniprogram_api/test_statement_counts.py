"""How many statements each request sends, authentication included: a change here is a decision."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.points.service import open_account
from tests.factories.members import make_member
from tests.factories.referrals import link_of, publish
from tests.miniprogram_api.conftest import MiniProgram
from tests.support.statements import StatementCounter

pytestmark = pytest.mark.usefixtures("plan")


@pytest.fixture
def with_account(mini_program: MiniProgram, session: Session, at) -> MiniProgram:  # type: ignore[no-untyped-def]
    assert mini_program.member is not None
    open_account(session, member_id=mini_program.member.id, at=at)
    session.commit()
    return mini_program


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("POST", "/check-ins", 3),
        ("GET", "/check-ins", 3),
        ("GET", "/me", 2),
        ("GET", "/points", 2),
        ("GET", "/points/entries", 2),
        ("GET", "/points/entries?month=2026-03&kind=earn", 2),
        ("GET", "/points/lots", 3),
        ("GET", "/inbox", 3),
        ("GET", "/member-code", 1),
        ("GET", "/privacy-texts", 3),
        ("GET", "/consents", 2),
        ("GET", "/subscription-templates", 2),
    ],
)
def test_a_request_sends_no_more_than(
    with_account: MiniProgram, statements: StatementCounter, method: str, path: str, most: int
) -> None:
    statements.clear()

    answer = with_account.send(method, path, **({"json": {}} if method == "POST" else {}))

    assert answer.status_code in (200, 201)
    assert statements.count <= most, "\n".join(statements.sent)


def test_a_check_in_is_one_statement_beside_the_callers_once_the_plan_is_known(
    with_account: MiniProgram, phone_of: Any, session: Session, at: datetime, statements: StatementCounter
) -> None:
    another = make_member(session)
    open_account(session, member_id=another.id, at=at)
    assert with_account.post("/check-ins").status_code == 201
    tapping = phone_of(another)
    statements.clear()

    assert tapping.post("/check-ins").status_code == 201

    assert statements.count == 2, "\n".join(statements.sent)


def test_opening_a_share_sends_four_looks_and_three_writes(
    visitor: MiniProgram, session: Session, at: datetime, statements: StatementCounter
) -> None:
    publish(session, at=at)
    token = link_of(session, make_member(session).id, at=at)
    session.commit()
    statements.clear()

    opened = visitor.post("/share-openings", json={"share": token})

    assert opened.json is not None
    assert opened.json["counted"]
    assert statements.count == 7, "\n".join(statements.sent)
