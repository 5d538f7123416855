"""Points as money: quoted, set aside, taken with the purchase or let go; only by the key that set them aside."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.points.service import open_account
from tests.factories.checkout import ACCEPTING, save_policy
from tests.factories.members import unused_phone
from tests.factories.points import assert_books_fit, earn
from tests.portal.partner_api.conftest import MakeTill, Till, a_purchase, available, code_of, unused

pytestmark = pytest.mark.usefixtures("with_points")


@pytest.fixture
def with_points(session: Session, member: Member, at: datetime) -> None:
    save_policy(session, ACCEPTING)
    open_account(session, member_id=member.id, at=at)
    earn(session, member.id, 5_000, at=at)
    session.commit()


def a_hold(till: Till, ref: str, **changes: Any) -> dict[str, Any]:
    return {
        "store_code": till.store.code,
        "member_ref": ref,
        "reference": unused("hold"),
        "points": 1_000,
        "amount_fen": 10_000,
    } | changes


def test_a_quote_is_what_the_policy_and_the_account_allow(till: Till, ref: str) -> None:
    asked = {"store_code": till.store.code, "member_ref": ref, "amount_fen": 9_999}

    quote = till.post("/points-quotes", asked).json

    assert quote == {"max_points": 4_900, "max_amount_fen": 4_900, "points_step": 100, "points_per_yuan": 100}


def test_points_set_aside_pay_with_the_purchase(till: Till, ref: str, member: Member, session: Session) -> None:
    hold = a_hold(till, ref)
    held = till.post("/holds", hold)
    assert (held.status_code, held.json["amount_fen"], available(till, ref)) == (201, 1_000, 4_000)  # type: ignore[index]

    paid = till.post("/purchases", a_purchase(till, ref, hold_reference=hold["reference"])).json

    assert (paid["captured_points"], paid["captured_fen"]) == (1_000, 1_000)  # type: ignore[index]
    assert available(till, ref) == 4_000
    assert_books_fit(session, member.id)


def test_points_taken_before_the_purchase_is_reported_pay_for_it(
    till: Till, ref: str, member: Member, session: Session
) -> None:
    hold = a_hold(till, ref)
    till.post("/holds", hold)
    for _ in range(2):
        assert till.post(f"/holds/{hold['reference']}/capture").status_code == 204

    paid = till.post("/purchases", a_purchase(till, ref, hold_reference=hold["reference"]))

    assert (paid.status_code, paid.json["captured_points"]) == (201, 1_000)  # type: ignore[index]
    assert available(till, ref) == 4_000
    assert_books_fit(session, member.id)


def test_points_let_go_are_free_again_and_pay_for_nothing(till: Till, ref: str) -> None:
    hold = a_hold(till, ref)
    till.post("/holds", hold)
    for _ in range(2):
        assert till.post(f"/holds/{hold['reference']}/release").status_code == 204

    assert available(till, ref) == 5_000
    refused = till.post(f"/holds/{hold['reference']}/capture")
    assert (refused.status_code, code_of(refused)) == (409, "hold_closed")


def test_the_same_hold_again_is_held_once_and_another_under_its_reference_is_refused(till: Till, ref: str) -> None:
    hold = a_hold(till, ref)
    first = till.post("/holds", hold)

    assert till.post("/holds", hold).json == first.json
    assert available(till, ref) == 4_000
    assert code_of(till.post("/holds", hold | {"points": 900})) == "idempotency_key_reused"


def test_another_key_cannot_take_or_let_go_what_this_one_set_aside(till: Till, make_till: MakeTill, ref: str) -> None:
    hold = a_hold(till, ref)
    till.post("/holds", hold)
    other = make_till(till.store)

    for act in ("capture", "release"):
        theirs = other.post(f"/holds/{hold['reference']}/{act}")
        unknown = other.post(f"/holds/{unused('hold')}/{act}")
        assert code_of(theirs) == code_of(unknown) == "points_payment_not_found"
    assert available(till, ref) == 4_000


def test_more_than_the_member_has_and_more_than_the_order_allows_are_refused(till: Till, ref: str) -> None:
    for points, amount_fen, code in ((6_000, 100_000, "insufficient_points"), (5_000, 5_000, "points_payment_refused")):
        refused = till.post("/holds", a_hold(till, ref, points=points, amount_fen=amount_fen))
        assert (refused.status_code, code_of(refused)) == (409, code)


def test_a_newcomer_and_a_member_who_was_not_introduced_cannot_spend_and_look_the_same(
    till: Till, session: Session, vault: Any, member: Member
) -> None:
    assert member.phone_sealed is not None
    known = vault.open(member.phone_sealed, context="members.phone")

    for phone in (known, unused_phone()):
        ref = till.post("/members", {"store_code": till.store.code, "phone": phone}).json["member_ref"]  # type: ignore[index]
        asked = {"store_code": till.store.code, "member_ref": ref, "amount_fen": 10_000}
        for refused in (
            till.post("/points-quotes", asked),
            till.post("/holds", a_hold(till, ref)),
            till.post("/purchases", a_purchase(till, ref, hold_reference="hold-x")),
        ):
            assert (refused.status_code, code_of(refused)) == (409, "member_provisional")
            assert refused.json["error"]["details"] == {}  # type: ignore[index]
