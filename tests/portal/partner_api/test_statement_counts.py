"""How many statements each request sends, authentication included: a change here is a decision."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.members.models import Member
from loyalty.points.service import open_account
from tests.factories.checkout import ACCEPTING, save_policy
from tests.factories.coupons import issue_to, make_template
from tests.factories.earning import make_rule
from tests.factories.points import earn
from tests.portal.partner_api.conftest import Till, unused
from tests.support.statements import StatementCounter

LINES = [{"line_number": 1, "sku": "tea", "quantity": 2, "amount_fen": 6_000}]
PAID = {"paid_at": "2026-03-10T09:58:00+08:00", "lines": LINES}
Ask = Callable[[Till, dict[str, Any]], TestResponse]


@pytest.fixture
def about(session: Session, till: Till, member: Member, at: datetime) -> dict[str, Any]:
    """What names a member with points in a chain with a rule."""
    make_rule(session)
    save_policy(session, ACCEPTING)
    open_account(session, member_id=member.id, at=at)
    earn(session, member.id, 5_000, at=at)
    session.commit()
    return {"store_code": till.store.code, "member_ref": till.ref_of(member)}


def purchase(till: Till, about: dict[str, Any]) -> TestResponse:
    return till.post("/purchases", about | PAID | {"order_number": unused("order")})


def preview(till: Till, about: dict[str, Any]) -> TestResponse:
    return till.post("/purchase-previews", about | {"lines": LINES})


def show(till: Till, about: dict[str, Any]) -> TestResponse:
    return till.get(f"/members/{about['member_ref']}")


def quote(till: Till, about: dict[str, Any]) -> TestResponse:
    return till.post("/points-quotes", about | {"amount_fen": 10_000})


def report_event(till: Till, about: dict[str, Any]) -> TestResponse:
    event = {"event_id": unused("event"), "kind": "review", "occurred_at": PAID["paid_at"]}
    return till.post("/events", about | event)


def statement(till: Till, _about: dict[str, Any]) -> TestResponse:
    return till.get("/statement", {"on": "2026-03-10"})


@pytest.mark.parametrize(
    ("ask", "most"), [(purchase, 6), (preview, 5), (show, 3), (quote, 5), (report_event, 4), (statement, 2)]
)
def test_a_request_sends_no_more_than(
    till: Till, about: dict[str, Any], statements: StatementCounter, ask: Ask, most: int
) -> None:
    assert ask(till, about).status_code < 300
    statements.clear()

    assert ask(till, about).status_code < 300

    assert statements.count <= most, "\n\n".join(statements.sent)


def test_a_replayed_purchase_is_answered_by_one_look(
    till: Till, about: dict[str, Any], statements: StatementCounter
) -> None:
    body = about | PAID | {"order_number": unused("order")}
    till.post("/purchases", body)
    statements.clear()

    assert till.post("/purchases", body).status_code == 201

    assert statements.count == 2, "\n\n".join(statements.sent)


def test_a_use_of_coupons_sends_five_and_trying_them_three(
    till: Till, about: dict[str, Any], member: Member, session: Session, statements: StatementCounter
) -> None:
    coupon_ids = [issue_to(session, member.id, make_template(session)).coupon_id for _ in range(2)]
    session.commit()
    basket = about | {"lines": [LINES[0] | {"amount_fen": 12_000}]}
    for path, most in (("/coupon-redemptions", 5), ("/coupon-validations", 3)):
        for coupon_id in coupon_ids:
            body = basket | {"coupon_ids": [coupon_id]}
            body |= {"reference": unused("use")} if most == 5 else {}
            statements.clear()

            assert till.post(path, body).status_code < 300

        assert statements.count <= most, "\n\n".join(statements.sent)
