"""Refunds over the signed entrance: in parts, replayed, before their purchase, and nobody else's."""

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from tests.factories.points import assert_books_fit
from tests.portal.partner_api.conftest import MakeTill, Till, a_purchase, a_refund, available, code_of, unused

pytestmark = pytest.mark.usefixtures("one_point_a_yuan")


def test_partial_refunds_take_back_exactly_what_was_paid(till: Till, member: Member, session: Session) -> None:
    ref = till.ref_of(member)
    body = a_purchase(till, ref)
    till.post("/purchases", body)

    first = till.post("/refunds", a_refund(till, body["order_number"], (1, 1, 3000)))
    second = till.post("/refunds", a_refund(till, body["order_number"], (1, 1, 3000), (2, 1, 4050)))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["points_taken_back"] + second.json["points_taken_back"] == 100  # type: ignore[index]
    assert available(till, ref) == 0
    assert_books_fit(session, member.id)


def test_a_retry_gets_the_first_answer_and_other_content_is_refused(
    till: Till, member: Member, session: Session
) -> None:
    body = a_purchase(till, till.ref_of(member))
    till.post("/purchases", body)
    refund = a_refund(till, body["order_number"], (1, 1, 3000))
    first = till.post("/refunds", refund)
    till.post("/refunds", a_refund(till, body["order_number"], (2, 1, 4050)))

    assert till.post("/refunds", refund).json == first.json
    other = refund | {"lines": [{"line_number": 1, "quantity": 1, "amount_fen": 2999}]}
    assert code_of(till.post("/refunds", other)) == "idempotency_key_reused"
    assert_books_fit(session, member.id)


def test_one_that_overtakes_its_purchase_waits_for_it(till: Till, member: Member, session: Session) -> None:
    ref = till.ref_of(member)
    body = a_purchase(till, ref)

    early = till.post("/refunds", a_refund(till, body["order_number"], (1, 2, 6000)))
    bought = till.post("/purchases", body)

    assert (early.status_code, early.json["is_waiting_for_purchase"]) == (202, True)  # type: ignore[index]
    assert bought.status_code == 201
    assert available(till, ref) == 40
    assert_books_fit(session, member.id)


def test_more_than_was_sold_is_refused_and_changes_nothing(till: Till, member: Member) -> None:
    ref = till.ref_of(member)
    body = a_purchase(till, ref)
    till.post("/purchases", body)

    refused = till.post("/refunds", a_refund(till, body["order_number"], (2, 2, 4050)))

    assert (refused.status_code, code_of(refused)) == (409, "refund_exceeds_order")
    assert available(till, ref) == 100


def test_another_keys_order_is_none_of_ours(till: Till, make_till: MakeTill, member: Member) -> None:
    ref = till.ref_of(member)
    body = a_purchase(till, ref)
    till.post("/purchases", body)
    other = make_till()

    theirs = other.post("/refunds", a_refund(other, body["order_number"], (1, 1, 3000)))
    unknown = other.post("/refunds", a_refund(other, unused("order"), (1, 1, 3000)))

    assert theirs.status_code == unknown.status_code == 202
    assert available(till, ref) == 100
