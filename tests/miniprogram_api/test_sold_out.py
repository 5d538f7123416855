"""After the last coupon: nearly everybody is turned away for nothing, and nobody who has one."""

from collections.abc import Callable
from datetime import datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.terms import Claiming, Stock
from loyalty.coupons.service.templates import set_stock
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.miniprogram_api.conftest import BASE, MiniProgram
from tests.miniprogram_api.coupons import wait
from tests.support.containers import NullContainer
from tests.support.statements import StatementCounter

Claim = Callable[[str], TestResponse]


def claims_of(mini_program: MiniProgram, template_id: int) -> Claim:
    return lambda key: mini_program.post(f"/coupon-centre/{template_id}/claims", key=key)


def code_of(answer: TestResponse) -> tuple[int, str | None]:
    assert answer.json is not None
    return answer.status_code, answer.json.get("error", {}).get("code")


SOLD_OUT = (429, "coupon_sold_out")


@pytest.fixture
def template_id(session: Session) -> int:
    """One coupon, which nobody has yet."""
    template_id = make_template(session, stock=1)
    session.commit()
    return template_id


@pytest.fixture
def claim(mini_program: MiniProgram, template_id: int) -> Claim:
    return claims_of(mini_program, template_id)


def test_who_comes_within_a_second_is_told_without_a_statement_and_without_log_in(
    claim: Claim, client: FlaskClient, template_id: int, statements: StatementCounter
) -> None:
    assert [code_of(claim(key)) for key in ("the-winner", "too-late-1")] == [(201, None), SOLD_OUT]
    statements.clear()

    answers = [
        claim("too-late-2"),
        client.post(f"{BASE}/coupon-centre/{template_id}/claims", headers={"Idempotency-Key": "too-late-3"}),
    ]

    assert [code_of(answer) for answer in answers] == [SOLD_OUT] * 2
    assert all(60 <= int(answer.headers["Retry-After"]) <= 120 for answer in answers)
    assert statements.count == 0, "\n".join(statements.sent)


def test_who_has_a_coupon_gets_the_same_answer_again(claim: Claim) -> None:
    first = claim("the-winner")
    claim("too-late-1")

    again = claim("the-winner")

    assert (again.status_code, again.json) == (201, first.json)


def test_stock_that_comes_back_is_found_after_a_second_and_so_is_who_got_it(
    claim: Claim, template_id: int, session: Session, container: NullContainer
) -> None:
    assert [code_of(claim(key)) for key in ("the-winner", "too-late-1")] == [(201, None), SOLD_OUT]
    set_stock(session, template_id=template_id, stock=2, reason="补货", actor=ACTOR, at=container.clock.now())
    session.commit()
    wait(container, seconds=1)

    second = claim("second-try")
    assert [code_of(claim(key)) for key in ("too-late-1", "too-late-2")] == [SOLD_OUT] * 2

    assert second.status_code == 201
    assert claim("second-try").json == second.json
    assert claim("the-winner").status_code == 201


def test_without_a_key_the_request_is_still_wrong(claim: Claim, mini_program: MiniProgram, template_id: int) -> None:
    assert [code_of(claim(key)) for key in ("the-winner", "too-late-1")] == [(201, None), SOLD_OUT]

    assert mini_program.post(f"/coupon-centre/{template_id}/claims").status_code == 422


def test_a_link_is_remembered_by_itself(
    mini_program: MiniProgram, session: Session, statements: StatementCounter
) -> None:
    template_id = make_template(session, terms_of(claiming=Claiming()), stock=1)
    token = get_template(session, template_id=template_id).link_token
    issue_to(session, make_member(session).id, template_id)
    session.commit()
    path = f"/coupon-links/{token}/claims"
    assert code_of(mini_program.post(path, key="too-late-1")) == SOLD_OUT
    statements.clear()

    assert code_of(mini_program.post(path, key="too-late-2")) == SOLD_OUT
    assert statements.count == 0
    assert claims_of(mini_program, template_id)("not-in-the-centre").status_code == 404


def test_the_stock_of_a_day_is_looked_at_each_time(
    mini_program: MiniProgram, session: Session, statements: StatementCounter
) -> None:
    template_id = make_template(session, terms_of(stock=Stock(per_day=1)))
    issue_to(session, make_member(session).id, template_id)
    session.commit()

    assert_is_looked_at_each_time(claims_of(mini_program, template_id), statements)


def test_a_stock_that_was_lowered_is_looked_at_each_time(
    mini_program: MiniProgram, session: Session, at: datetime, statements: StatementCounter
) -> None:
    template_id = make_template(session, stock=100)
    issue_to(session, make_member(session).id, template_id)
    set_stock(session, template_id=template_id, stock=1, reason="补货", actor=ACTOR, at=at)
    session.commit()

    assert_is_looked_at_each_time(claims_of(mini_program, template_id), statements)


def assert_is_looked_at_each_time(claim: Claim, statements: StatementCounter) -> None:
    assert code_of(claim("too-late-1")) == SOLD_OUT
    statements.clear()

    assert code_of(claim("too-late-2")) == SOLD_OUT
    assert statements.count > 0
