"""Batches and custom events: each part has a result of its own, and is taken once."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.models import Member
from tests.factories.earning import make_rule
from tests.factories.members import make_member, unused_phone
from tests.factories.points import assert_books_fit, balance_of
from tests.portal.partner_api.conftest import Till, unused


@pytest.fixture
def phone() -> str:
    return unused_phone()


@pytest.fixture
def regular(session: Session, till: Till, phone: str) -> Member:
    """A member whom the till's store knows."""
    make_rule(session)
    member = make_member(session, phone=phone, enrolled_store_id=till.store.id)
    session.commit()
    return member


def bought(till: Till, phone: str, amount_fen: int = 10_000, **changes: Any) -> dict[str, Any]:
    return {
        "type": "purchase",
        "store_code": till.store.code,
        "phone": phone,
        "order_number": unused("order"),
        "paid_at": "2026-03-10T09:00:00+08:00",
        "lines": [{"line_number": 1, "sku": "tea", "quantity": 1, "amount_fen": amount_fen}],
    } | changes


def returned(till: Till, purchase: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "refund",
        "store_code": till.store.code,
        "refund_number": unused("refund"),
        "order_number": purchase["order_number"],
        "refunded_at": "2026-03-10T09:30:00+08:00",
        "lines": [{"line_number": 1, "quantity": 1, "amount_fen": 10_000}],
    }


def an_event(till: Till, phone: str, **changes: Any) -> dict[str, Any]:
    return {
        "store_code": till.store.code,
        "phone": phone,
        "event_id": unused("event"),
        "kind": "workshop_attended",
        "occurred_at": "2026-03-10T09:00:00+08:00",
    } | changes


def statuses(answer: Any) -> list[int]:
    return [result["status"] for result in answer.json["results"]]


class TestBatch:
    def test_what_is_refused_does_not_hurt_the_others(
        self, till: Till, regular: Member, phone: str, session: Session
    ) -> None:
        parts: list[Any] = [
            bought(till, phone),
            bought(till, phone, store_code="NOWHERE"),
            bought(till, unused_phone()),
            bought(till, phone, amount_fen=-1),
            {"type": "nonsense"},
            {"type": []},
            {},
            bought(till, phone, paid_at="0001-01-01T00:00:00+14:00"),
            an_event(till, phone) | {"type": "event"},
            bought(till, phone),
        ]

        answer = till.post("/batches", {"events": parts})

        assert answer.status_code == 200
        assert statuses(answer) == [201, 404, 404, 422, 422, 422, 422, 422, 202, 201]
        assert (answer.json["succeeded"], answer.json["failed"]) == (3, 7)  # type: ignore[index]
        assert balance_of(session, regular.id) == 200
        assert_books_fit(session, regular.id)

    def test_sent_again_it_books_nothing_new_and_gets_the_same_answers(
        self, till: Till, regular: Member, phone: str, session: Session
    ) -> None:
        purchase = bought(till, phone)
        events = {"events": [purchase, returned(till, purchase), bought(till, phone)]}
        first = till.post("/batches", events)

        again = till.post("/batches", events)

        assert again.json == first.json
        assert balance_of(session, regular.id) == 100

    def test_any_order_ends_the_same(self, till: Till, regular: Member, phone: str, session: Session) -> None:
        purchase = bought(till, phone)

        answer = till.post("/batches", {"events": [returned(till, purchase), purchase]})

        assert statuses(answer) == [202, 201]
        assert balance_of(session, regular.id) == 0
        assert_books_fit(session, regular.id)

    def test_the_same_purchase_twice_in_one_batch_is_booked_once(
        self, till: Till, regular: Member, phone: str, session: Session
    ) -> None:
        purchase = bought(till, phone)

        answer = till.post("/batches", {"events": [purchase, purchase]})

        results = answer.json["results"]  # type: ignore[index]
        assert results[0] == results[1]
        assert balance_of(session, regular.id) == 100

    def test_a_thousand_parts_fit_and_one_more_does_not(self, till: Till) -> None:
        part = {"type": "nonsense", "padding": "x" * 2_000}

        assert till.post("/batches", {"events": [part] * 1_000}).status_code == 200
        assert till.post("/batches", {"events": [part] * 1_001}).status_code == 422
        assert till.post("/batches", {"events": []}).status_code == 422


class TestEvent:
    def test_is_taken_once_and_handed_on_with_ids_only(
        self, till: Till, regular: Member, phone: str, session: Session
    ) -> None:
        event = an_event(till, phone)

        answers = [till.post("/events", event) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [202, 202]
        found = session.scalars(select(OutboxEvent).where(OutboxEvent.kind == "partner.event_reported")).all()
        assert [each.payload for each in found] == [
            {
                "member_id": regular.id,
                "store_id": till.store.id,
                "kind": "workshop_attended",
                "reference": f"partner:{till.key.id}:{event['event_id']}",
                "occurred_at": "2026-03-10T01:00:00+00:00",
            }
        ]

    def test_the_same_number_with_another_kind_is_a_conflict(self, till: Till, regular: Member, phone: str) -> None:
        event = an_event(till, phone)
        till.post("/events", event)

        assert till.post("/events", event | {"kind": "review"}).status_code == 409

    @pytest.mark.parametrize("change", [{"kind": "关注"}, {"kind": "A"}, {"occurred_at": "2026-03-10T12:00:00+08:00"}])
    def test_what_no_rule_could_look_at_is_refused(
        self, till: Till, regular: Member, phone: str, change: dict[str, str]
    ) -> None:
        assert till.post("/events", an_event(till, phone, **change)).status_code == 422
