"""Purchases over the signed entrance: replayed, corrected, delayed, and nobody else's."""

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from loyalty.kernel.idempotency import IdempotencyRecord
from loyalty.members.models import Member
from tests.factories.earning import make_rule
from tests.factories.members import make_member, unused_phone
from tests.factories.points import assert_books_fit
from tests.portal.partner_api.conftest import MakeTill, Till, a_purchase, available, code_of

pytestmark = pytest.mark.usefixtures("one_point_a_yuan")


class TestPurchase:
    def test_earns_what_the_preview_said_and_says_why(self, till: Till, member: Member, session: Session) -> None:
        ref = till.ref_of(member)
        body = a_purchase(till, ref)
        basket = {name: body[name] for name in ("store_code", "lines", "member_ref")}
        preview = till.post("/purchase-previews", basket).json

        done = till.post("/purchases", body)

        assert done.status_code == 201, done.text
        assert done.json["points"] == preview["points"] == 100  # type: ignore[index]
        assert done.json["reasons"] == preview["reasons"] != []  # type: ignore[index]
        assert done.json["balance_after"] == available(till, ref) == 100  # type: ignore[index]
        assert_books_fit(session, member.id)

    def test_a_retry_gets_the_first_answer_for_ever(self, till: Till, member: Member, session: Session) -> None:
        body = a_purchase(till, till.ref_of(member))
        first = till.post("/purchases", body)

        till.container.clock.advance(days=400)  # type: ignore[attr-defined]

        again = till.post("/purchases", body)
        assert (again.status_code, again.json) == (first.status_code, first.json)
        assert_books_fit(session, member.id)

    def test_a_retry_with_a_new_reference_of_the_same_member_is_the_same_purchase(
        self, till: Till, member: Member
    ) -> None:
        body = a_purchase(till, till.ref_of(member))
        first = till.post("/purchases", body)
        till.container.clock.advance(minutes=20)  # type: ignore[attr-defined]

        again = till.post("/purchases", body | {"member_ref": till.ref_of(member)})

        assert again.json == first.json

    def test_its_hash_is_made_as_it_always_was(self, till: Till, member: Member, session: Session) -> None:
        body = a_purchase(till, till.ref_of(member)) | {"paid_at": "2026-03-10T01:58:00Z"}
        till.post("/purchases", body)

        told = {"channel": "pos", "hold_reference": None, "lines": [{"category": "", **line} for line in body["lines"]],
                "order_number": body["order_number"], "paid_at": "2026-03-10 01:58:00+00:00",
                "store_code": till.store.code, "version": 1}  # fmt: skip
        query = select(IdempotencyRecord.request_hash).where(IdempotencyRecord.key == f"{body['order_number']}/1")
        assert (
            session.scalar(query) == sha256(json.dumps([told], sort_keys=True, separators=(",", ":")).encode()).digest()
        )

    def test_the_same_instant_with_another_offset_is_the_same_purchase(self, till: Till, member: Member) -> None:
        body = a_purchase(till, till.ref_of(member))
        first = till.post("/purchases", body)

        assert till.post("/purchases", body | {"paid_at": "2026-03-10T01:58:00Z"}).json == first.json

    @pytest.mark.parametrize(
        "change",
        [
            {"channel": "app"},
            {"paid_at": "2026-03-10T09:57:00+08:00"},
            {"lines": [{"line_number": 1, "sku": "tea", "quantity": 2, "amount_fen": 6001}]},
        ],
    )
    def test_the_same_number_with_other_content_is_a_conflict(
        self, till: Till, member: Member, change: dict[str, Any]
    ) -> None:
        body = a_purchase(till, till.ref_of(member))
        till.post("/purchases", body)

        refused = till.post("/purchases", body | change)

        assert (refused.status_code, code_of(refused)) == (409, "idempotency_key_reused")

    def test_the_same_number_for_another_member_is_a_conflict(
        self, till: Till, member: Member, session: Session
    ) -> None:
        body = a_purchase(till, till.ref_of(member))
        till.post("/purchases", body)
        other = make_member(session)
        session.commit()

        refused = till.post("/purchases", body | {"member_ref": till.ref_of(other)})

        assert (refused.status_code, code_of(refused)) == (409, "idempotency_key_reused")

    def test_a_correction_is_a_higher_version_and_books_the_difference(
        self, till: Till, member: Member, session: Session
    ) -> None:
        ref = till.ref_of(member)
        body = a_purchase(till, ref)
        till.post("/purchases", body)

        corrected = till.post("/purchases", body | {"version": 2, "lines": [body["lines"][0]]})

        assert (corrected.status_code, corrected.json["points"]) == (201, 60)  # type: ignore[index]
        assert available(till, ref) == 60
        assert code_of(till.post("/purchases", body | {"channel": "app"})) == "idempotency_key_reused"
        assert_books_fit(session, member.id)

    def test_two_keys_may_use_the_same_number(self, till: Till, make_till: MakeTill, member: Member) -> None:
        other = make_till()
        body = a_purchase(till, till.ref_of(member))
        till.container.clock.advance(minutes=1)  # type: ignore[attr-defined]
        elsewhere = a_purchase(other, other.ref_of(member), order_number=body["order_number"])

        assert [each.status_code for each in (till.post("/purchases", body), other.post("/purchases", elsewhere))] == [
            201, 201,
        ]  # fmt: skip

    def test_a_newcomer_earns_and_is_found_by_phone_afterwards(self, till: Till, session: Session) -> None:
        phone = unused_phone()
        ref = till.post("/members", {"store_code": till.store.code, "phone": phone}).json["member_ref"]  # type: ignore[index]

        done = till.post("/purchases", a_purchase(till, ref))

        assert (done.status_code, done.json["points"], done.json["balance_after"]) == (201, 100, None)  # type: ignore[index]
        found = till.post("/member-refs", {"store_code": till.store.code, "phone": phone})
        shown = till.get(f"/members/{found.json['member_ref']}").json  # type: ignore[index]
        assert (shown["status"], shown["points_available"], shown["can_spend"]) == ("provisional", 100, False)  # type: ignore[index]

    def test_yesterdays_purchase_may_name_the_member_by_phone(self, till: Till, session: Session) -> None:
        phone = unused_phone()
        make_member(session, phone=phone, enrolled_store_id=till.store.id)
        session.commit()

        body = a_purchase(till, phone=phone, paid_at="2026-03-09T20:00:00+08:00")

        assert till.post("/purchases", body).status_code == 201

    def test_a_purchase_names_exactly_one_member(self, till: Till) -> None:
        for named in ({}, {"phone": "13800000001", "member_ref": "x"}):
            assert code_of(till.post("/purchases", a_purchase(till, **named))) == "member_not_named"

    def test_a_store_out_of_scope_and_one_that_does_not_exist_get_the_same_answer(
        self, till: Till, make_till: MakeTill, member: Member
    ) -> None:
        ref, other = till.ref_of(member), make_till()

        answers = [
            till.post("/purchases", a_purchase(till, ref, store_code=code)).json["error"]  # type: ignore[index]
            for code in (other.store.code, "NOWHERE")
        ]

        assert [answer["code"] for answer in answers] == ["store_not_found"] * 2
        assert answers[0]["message"] == answers[1]["message"]

    def test_a_member_whom_only_another_key_knows_does_not_exist(
        self, till: Till, make_till: MakeTill, member: Member
    ) -> None:
        theirs = make_till().ref_of(member)

        assert code_of(till.post("/purchases", a_purchase(till, theirs))) == "member_ref_not_found"
        assert code_of(till.post("/purchases", a_purchase(till, phone=unused_phone()))) == "member_not_found"

    def test_a_purchase_of_the_future_is_refused(self, till: Till, member: Member, at: datetime) -> None:
        body = a_purchase(till, till.ref_of(member), paid_at=(at + timedelta(hours=1)).isoformat())

        assert code_of(till.post("/purchases", body)) == "invalid_order"


def test_nothing_of_the_person_is_kept_with_the_answers(till: Till, session: Session) -> None:
    phone = unused_phone()
    make_member(session, phone=phone, nickname="独特的名字", enrolled_store_id=till.store.id)
    session.commit()
    till.post("/member-refs", {"store_code": till.store.code, "phone": phone})
    till.post("/purchases", a_purchase(till, phone=phone))

    kept = session.scalars(text("SELECT answer::text FROM idempotency_records")).all()

    assert kept
    assert [each for each in kept if phone[-8:] in each or "独特" in each] == []


def test_an_amount_that_is_no_whole_number_of_fen_is_refused(till: Till, member: Member) -> None:
    body = a_purchase(till, till.ref_of(member))
    for amount in (60.5, "6000", True, -1, 10**11):
        body["lines"][0]["amount_fen"] = amount

        refused = till.post("/purchases", body)

        assert (refused.status_code, code_of(refused)) == (422, "invalid_request"), amount


def test_a_preview_needs_no_member_and_shows_newcomers_nothing_of_who_is_behind_the_phone(
    till: Till, session: Session
) -> None:
    make_rule(session, name="双倍")
    phone = unused_phone()
    make_member(session, phone=phone)
    session.commit()
    basket = {name: value for name, value in a_purchase(till).items() if name in ("store_code", "lines")}
    ref = till.post("/members", {"store_code": till.store.code, "phone": phone}).json["member_ref"]  # type: ignore[index]

    anybody = till.post("/purchase-previews", basket).json
    newcomer = till.post("/purchase-previews", basket | {"member_ref": ref}).json

    assert anybody == newcomer
    assert anybody["points"] > 0  # type: ignore[index]
