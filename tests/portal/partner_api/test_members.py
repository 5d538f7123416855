"""Whom a till recognises, and what it is told of those whom it does not."""

from datetime import datetime

from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.rules.member_code import current_code
from tests.factories.members import make_member, unused_phone
from tests.factories.stores import make_headquarters, make_region, make_store
from tests.portal.partner_api.conftest import MakeTill, Till, code_of
from tests.support.settings import CODE_KEY


def by_phone(till: Till, phone: str) -> TestResponse:
    return till.post("/member-refs", {"store_code": till.store.code, "phone": phone})


def by_code(till: Till, code: str, key: str | None = "") -> TestResponse:
    return till.post("/member-refs", {"store_code": till.store.code, "member_code": code}, key=key)


def enrol(till: Till, phone: str) -> TestResponse:
    return till.post("/members", {"store_code": till.store.code, "phone": phone})


class TestByCode:
    def test_a_member_who_shows_their_code_is_shown_masked(self, till: Till, member: Member) -> None:
        shown = till.get(f"/members/{till.ref_of(member)}")

        assert shown.status_code == 200
        assert shown.json == {
            "status": "active",
            "name_masked": "小*",
            "phone_masked": shown.json["phone_masked"],  # type: ignore[index]
            "tier": shown.json["tier"],  # type: ignore[index]
            "points_available": 0,
            "can_spend": True,
        }
        assert "****" in shown.json["phone_masked"]  # type: ignore[index]

    def test_a_code_is_exchanged_once_also_by_another_key(
        self, till: Till, make_till: MakeTill, member: Member, at: datetime
    ) -> None:
        code = current_code(CODE_KEY, member.id, at).code
        assert by_code(till, code).status_code == 201

        for again in (till, make_till()):
            refused = by_code(again, code)
            assert (refused.status_code, code_of(refused)) == (409, "member_code_used")

    def test_a_till_whose_line_broke_asks_again_with_the_same_key(
        self, till: Till, member: Member, at: datetime
    ) -> None:
        code = current_code(CODE_KEY, member.id, at).code
        first = by_code(till, code, key="after-a-broken-line").json

        assert by_code(till, code, key="after-a-broken-line").json == first
        assert code_of(by_code(till, "68" + "0" * 16, key="after-a-broken-line")) == "idempotency_key_reused"

    def test_a_code_that_we_did_not_make_and_one_of_three_minutes_ago_are_refused(
        self, till: Till, member: Member, at: datetime
    ) -> None:
        old = current_code(CODE_KEY, member.id, at).code
        till.container.clock.advance(minutes=3)  # type: ignore[attr-defined]

        for code in (old, "68" + "1" * 16, "not a code", "１" * 18):
            assert (by_code(till, code).status_code, code_of(by_code(till, code))) == (422, "member_code_invalid")

    def test_a_reference_is_good_for_its_own_key_and_for_a_quarter_of_an_hour(
        self, till: Till, make_till: MakeTill, member: Member
    ) -> None:
        ref = till.ref_of(member)
        assert code_of(make_till(till.store).get(f"/members/{ref}")) == "member_ref_not_found"

        till.container.clock.advance(minutes=15)  # type: ignore[attr-defined]

        assert code_of(till.get(f"/members/{ref}")) == "member_ref_not_found"

    def test_a_reference_follows_a_merge(self, till: Till, member: Member, session: Session) -> None:
        ref = till.ref_of(member)
        survivor = make_member(session, nickname="大明")
        stored = session.get(Member, member.id)
        assert stored is not None
        stored.status, stored.merged_into_id = "merged", survivor.id
        session.commit()

        assert till.get(f"/members/{ref}").json["name_masked"] == "大*"  # type: ignore[index]


class TestByPhone:
    def test_an_unknown_phone_and_a_member_of_other_stores_get_the_same_answer(
        self, till: Till, session: Session
    ) -> None:
        phone = unused_phone()
        make_member(session, phone=phone, enrolled_store_id=make_store(session).id)
        session.commit()

        answers = [by_phone(till, each) for each in (phone, unused_phone())]

        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json["error"] == answers[1].json["error"]  # type: ignore[index]
        assert answers[0].json["error"]["details"] == {}  # type: ignore[index]

    def test_who_enrolled_at_the_store_is_found(self, till: Till, session: Session) -> None:
        phone = unused_phone()
        make_member(session, phone=phone, enrolled_store_id=till.store.id)
        session.commit()

        assert by_phone(till, phone).status_code == 201

    def test_who_showed_their_code_at_the_store_is_found_from_then_on(self, till: Till, session: Session) -> None:
        phone = unused_phone()
        shown = make_member(session, phone=phone)
        session.commit()
        assert by_phone(till, phone).status_code == 404

        till.ref_of(shown)

        assert by_phone(till, phone).status_code == 201

    def test_a_key_of_a_region_knows_who_its_stores_know_and_one_of_the_chain_knows_all(
        self, make_till: MakeTill, session: Session
    ) -> None:
        region = make_region(session)
        here, beside, elsewhere = make_store(session, parent=region), make_store(session, parent=region), None
        phones = [unused_phone(), unused_phone()]
        for phone, store in zip(phones, (beside, elsewhere), strict=True):
            make_member(session, phone=phone, enrolled_store_id=store and store.id)
        session.commit()
        of_region, of_chain = make_till(region), make_till(make_headquarters(session))

        def found(till: Till) -> list[int]:
            body = {"store_code": here.code}
            return [till.post("/member-refs", body | {"phone": phone}).status_code for phone in phones]

        assert found(of_region) == [201, 404]
        assert found(of_chain) == [201, 201]


class TestEnrol:
    def test_a_newcomer_can_earn_and_not_spend(self, till: Till) -> None:
        enrolled = enrol(till, unused_phone())

        assert enrolled.status_code == 201
        shown = till.get(f"/members/{enrolled.json['member_ref']}").json  # type: ignore[index]
        assert (shown["status"], shown["can_spend"], shown["points_available"]) == ("provisional", False, 0)  # type: ignore[index]

    def test_nobody_learns_who_is_a_member_already(self, till: Till, session: Session) -> None:
        known = unused_phone()
        make_member(session, phone=known, nickname="金卡")
        session.commit()

        seen = []
        for phone in (known, unused_phone()):
            enrolled = enrol(till, phone)
            shown = till.get(f"/members/{enrolled.json['member_ref']}").json  # type: ignore[index]
            assert shown.pop("phone_masked")  # type: ignore[union-attr]
            seen.append((enrolled.status_code, set(enrolled.json), shown, by_phone(till, phone).status_code))  # type: ignore[arg-type]

        assert seen[0] == seen[1]

    def test_the_same_key_again_enrols_once(self, till: Till) -> None:
        body = {"store_code": till.store.code, "phone": unused_phone()}

        first, again = (till.post("/members", body, key="enrol-0001") for _ in range(2))

        assert first.json == again.json

    def test_a_phone_of_elsewhere_is_refused(self, till: Till) -> None:
        assert code_of(enrol(till, "+14155550100")) == "phone_invalid"


class TestStores:
    def test_a_store_out_of_scope_and_one_that_does_not_exist_get_the_same_answer(
        self, till: Till, make_till: MakeTill
    ) -> None:
        other = make_till().store

        answers = [
            till.post(path, {"store_code": code, "phone": "13800000001"}).json["error"]  # type: ignore[index]
            for path in ("/member-refs", "/members")
            for code in (other.code, "NOWHERE")
        ]

        assert {(answer["code"], answer["message"]) for answer in answers} == {("store_not_found", "没有找到这个门店")}

    def test_a_region_is_no_store_and_neither_is_one_that_closed(self, make_till: MakeTill, session: Session) -> None:
        region = make_region(session)
        closed = make_store(session, parent=region)
        closed.is_open = False
        session.commit()
        till = make_till(region)

        for store in (region, closed):
            refused = till.post("/members", {"store_code": store.code, "phone": unused_phone()})
            assert code_of(refused) == "store_not_found"


def test_a_request_names_exactly_one_member(till: Till, vault: Vault) -> None:
    for named in ({}, {"phone": "13800000001", "member_code": "68" + "0" * 16}):
        refused = till.post("/member-refs", {"store_code": till.store.code, **named})
        assert (refused.status_code, code_of(refused)) == (422, "member_not_named")
