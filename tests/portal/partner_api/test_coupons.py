"""Coupons at a till: found, tried on a basket, given; within the key's stores, and nobody else's."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.codes import current_code
from loyalty.coupons.rules.terms import PercentOff, Scope
from loyalty.members.models import Member
from loyalty.partners.service.coupons import TRIES_MAX
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.stores import make_region, make_store
from tests.portal.partner_api.conftest import LINES, MakeTill, Till, code_of, unused
from tests.portal.partner_api.coupons import a_lock, a_use, about, give
from tests.support.containers import NullContainer
from tests.support.settings import CODE_KEY


class TestFinding:
    def test_a_member_has_these_coupons_page_by_page(
        self, till: Till, ref: str, member: Member, session: Session
    ) -> None:
        given = [give(session, member, title=f"第{number}张") for number in range(3)]

        first = till.get(f"/members/{ref}/coupons", {"limit": 2}).json
        second = till.get(f"/members/{ref}/coupons", {"limit": 2, "cursor": first["next_cursor"]}).json  # type: ignore[index]

        found = [*first["items"], *second["items"]]  # type: ignore[index]
        assert [coupon["coupon_id"] for coupon in found] == given
        assert (found[0]["title"], found[0]["headline"], found[0]["standing"]) == ("第0张", "满 100 减 20", "usable")

    def test_a_basket_is_told_each_discount_by_line_the_best_and_why_not(
        self, till: Till, ref: str, member: Member, session: Session
    ) -> None:
        cash, percent = give(session, member), give(session, member, worth=PercentOff(10), threshold_fen=0)
        dear = give(session, member, threshold_fen=20_000)

        told = till.post("/coupon-validations", about(till, ref)).json

        coupons = {coupon["coupon_id"]: coupon for coupon in told["coupons"]}  # type: ignore[index]
        assert coupons[percent]["discount_fen"] == 1_005
        assert sum(line["discount_fen"] for line in coupons[percent]["lines"]) == 1_005
        assert (coupons[dear]["is_usable"], coupons[dear]["reason"]) == (False, "threshold")
        assert coupons[dear]["message"] == "再买 ¥99.50 可用"
        assert told["best"]["discount_fen"] == 2_000  # type: ignore[index]
        assert [one["coupon_id"] for one in told["best"]["coupons"]] == [cash]  # type: ignore[index]

    def test_a_preview_counts_what_its_coupons_leave(
        self, till: Till, ref: str, member: Member, session: Session, one_point_a_yuan: None
    ) -> None:
        coupon_id, theirs = give(session, member), give(session, make_member(session))
        asked = about(till, ref, points_fen=50)

        told = [till.post("/purchase-previews", asked | ids).json for ids in ({}, {"coupon_ids": [coupon_id]})]

        assert [one["points"] for one in told] == [100, 80]  # type: ignore[index]
        anybody = asked | {"member_ref": None}
        for body in (asked | {"coupon_ids": [theirs]}, anybody | {"coupon_ids": [coupon_id]}):
            assert code_of(till.post("/purchase-previews", body)) == "coupon_not_found"

    def test_a_coupon_code_names_the_coupon_and_its_owner_until_it_rotates(
        self, till: Till, member: Member, session: Session, container: NullContainer
    ) -> None:
        coupon_id = give(session, member, title="到店券")
        code = current_code(CODE_KEY, coupon_id, container.clock.now()).code
        asked = {"store_code": till.store.code, "coupon_code": code}

        found = till.post("/coupon-lookups", asked).json

        assert (found["coupon_id"], found["title"], found["reason"]) == (coupon_id, "到店券", None)  # type: ignore[index]
        used = till.post("/coupon-redemptions", a_use(till, found["member"]["member_ref"], coupon_id))  # type: ignore[index]
        assert used.status_code == 201
        container.clock.advance(minutes=2)  # type: ignore[attr-defined]
        assert code_of(till.post("/coupon-lookups", asked)) == "coupon_code_invalid"

    def test_a_coupon_of_another_store_is_told_so_when_its_code_is_read(
        self, till: Till, member: Member, session: Session, container: NullContainer
    ) -> None:
        coupon_id = give(session, member, scope=Scope(included_nodes=frozenset({make_store(session).id})))
        code = current_code(CODE_KEY, coupon_id, container.clock.now()).code

        found = till.post("/coupon-lookups", {"store_code": till.store.code, "coupon_code": code}).json

        assert (found["reason"], found["message"]) == ("store", "本券不适用于当前门店")  # type: ignore[index]

    def test_guessing_codes_ends(self, till: Till) -> None:
        asked = {"store_code": till.store.code, "coupon_code": "66" + "0" * 16}

        statuses = [till.post("/coupon-lookups", asked).status_code for _ in range(TRIES_MAX + 1)]

        assert statuses == [422] * TRIES_MAX + [429]


class TestGiving:
    def test_a_coupon_is_given_once_by_its_reference_for_ever(
        self, till: Till, ref: str, member: Member, session: Session, container: NullContainer
    ) -> None:
        template_id = make_template(session, stock=5)
        session.commit()
        wish = {"store_code": till.store.code, "member_ref": ref, "reference": unused("c"), "template_id": template_id}

        first = till.post("/coupons", wish)

        assert first.status_code == 201
        container.clock.advance(days=400)  # type: ignore[attr-defined]
        assert till.post("/coupons", wish).json == first.json
        assert session.scalar(select(func.count()).where(Coupon.member_id == member.id)) == 1
        assert code_of(till.post("/coupons", wish | {"template_id": template_id + 1})) == "idempotency_key_reused"
        coupon = session.get_one(Coupon, first.json["coupon_id"])  # type: ignore[index]
        assert (coupon.path, coupon.store_id, coupon.actor) == ("partner", till.store.id, f"partner:{till.key.id}")

    def test_the_stock_ends_here_too_and_a_refusal_is_not_kept(self, till: Till, ref: str, session: Session) -> None:
        template_id = make_template(session, stock=1)
        session.commit()
        wish = {"store_code": till.store.code, "member_ref": ref, "template_id": template_id}
        assert till.post("/coupons", wish | {"reference": unused("c")}).status_code == 201

        for _try in range(2):
            refused = till.post("/coupons", wish | {"reference": "late"})
            assert (refused.status_code, code_of(refused)) == (429, "coupon_sold_out")

    def test_a_template_for_other_stores_does_not_exist_for_the_key_and_one_of_its_region_does(
        self, make_till: MakeTill, member: Member, session: Session
    ) -> None:
        region = make_region(session)
        till = make_till(make_store(session, parent=region))
        elsewhere, here = (
            make_template(session, terms_of(scope=Scope(included_nodes=frozenset({node.id}))))
            for node in (make_store(session), region)
        )
        session.commit()
        wish = {"store_code": till.store.code, "member_ref": till.ref_of(member)}

        hidden, unknown = (
            till.post("/coupons", wish | {"reference": unused("c"), "template_id": number})
            for number in (elsewhere, 10**9)
        )

        assert code_of(hidden) == code_of(unknown) == "coupon_template_not_found"
        given = till.post("/coupons", wish | {"reference": unused("c"), "template_id": here})
        assert given.status_code == 201


class TestOthers:
    def test_nobody_elses_coupons_exist_for_a_member(self, till: Till, ref: str, session: Session) -> None:
        theirs = give(session, make_member(session))

        for path, body in (
            ("/coupon-validations", about(till, ref, coupon_ids=[theirs])),
            ("/coupon-locks", a_lock(till, ref, theirs)),
            ("/coupon-redemptions", a_use(till, ref, theirs)),
        ):
            refused, unknown = till.post(path, body), till.post(path, body | {"coupon_ids": [10**12]} | _fresh(body))
            assert code_of(refused) == code_of(unknown) == "coupon_not_found"

    def test_a_member_whom_the_key_does_not_know_is_nobody_by_phone(
        self, till: Till, member: Member, session: Session, vault: Any
    ) -> None:
        assert member.phone_sealed is not None
        phone = vault.open(member.phone_sealed, context="members.phone")
        coupon_id, template_id = give(session, member), make_template(session)
        session.commit()
        for named in (phone, "13899999999"):
            by_phone = {"store_code": till.store.code, "phone": named}
            for path, body in (
                ("/coupon-validations", by_phone | {"lines": LINES}),
                ("/coupons", by_phone | {"reference": unused("c"), "template_id": template_id}),
                ("/coupon-locks", by_phone | {"reference": "l", "coupon_ids": [coupon_id], "lines": LINES}),
                ("/coupon-redemptions", by_phone | {"reference": "u", "coupon_ids": [coupon_id], "lines": LINES}),
                ("/baskets", by_phone | {"reference": "b", "coupon_ids": [coupon_id], "lines": LINES}),
            ):
                refused = till.post(path, body)
                assert (refused.status_code, code_of(refused)) == (404, "member_not_found")

    def test_who_was_enrolled_by_phone_alone_has_no_coupons_whoever_it_is(
        self, till: Till, member: Member, session: Session, vault: Any
    ) -> None:
        assert member.phone_sealed is not None
        phone, coupon_id = vault.open(member.phone_sealed, context="members.phone"), give(session, member)
        for enrolled in (phone, "13899999998"):
            ref = till.post("/members", {"store_code": till.store.code, "phone": enrolled}).json["member_ref"]  # type: ignore[index]
            for refused in (
                till.get(f"/members/{ref}/coupons"),
                till.post("/coupon-validations", about(till, ref)),
                till.post("/coupon-redemptions", a_use(till, ref, coupon_id)),
            ):
                assert (refused.status_code, code_of(refused)) == (409, "member_provisional")


def _fresh(body: dict[str, Any]) -> dict[str, Any]:
    return {"reference": unused("fresh")} if "reference" in body else {}
