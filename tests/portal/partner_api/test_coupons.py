"""Coupons at a till: found, tried on a basket, given, set aside, used once, undone; within the key's stores."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.rules.codes import current_code
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.rules.terms import Gift, PercentOff, Scope
from loyalty.members.models import Member
from loyalty.partners.service.coupons import TRIES_MAX
from loyalty.points.service import open_account
from tests.factories.checkout import ACCEPTING, save_policy
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import earn
from tests.factories.stores import make_region, make_store
from tests.portal.partner_api.conftest import MakeTill, Till, a_purchase, a_refund, available, code_of, unused
from tests.support.containers import NullContainer
from tests.support.settings import CODE_KEY

LINES = [
    {"line_number": 1, "sku": "tea", "quantity": 2, "amount_fen": 6_000},
    {"line_number": 2, "sku": "cup", "category": "goods", "quantity": 1, "amount_fen": 4_050},
]


@pytest.fixture
def ref(till: Till, member: Member) -> str:
    return till.ref_of(member)


def give(session: Session, member: Member, **terms: Any) -> int:
    """Give the member a coupon of a template of its own: ¥20 off ¥100 unless told otherwise."""
    coupon_id = issue_to(session, member.id, make_template(session, terms_of(**terms))).coupon_id
    session.commit()
    return coupon_id


def about(till: Till, ref: str, **changes: Any) -> dict[str, Any]:
    return {"store_code": till.store.code, "member_ref": ref, "lines": LINES} | changes


def a_use(till: Till, ref: str, *coupon_ids: int, **changes: Any) -> dict[str, Any]:
    return about(till, ref, reference=unused("use"), coupon_ids=list(coupon_ids)) | changes


def a_lock(till: Till, ref: str, *coupon_ids: int, **changes: Any) -> dict[str, Any]:
    return about(till, ref, reference=unused("lock"), coupon_ids=list(coupon_ids)) | changes


def state_of(session: Session, coupon_id: int) -> str | None:
    return session.scalar(select(Coupon.state).where(Coupon.id == coupon_id))


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


class TestUsing:
    def test_coupons_are_used_once_however_often_it_is_reported(
        self, till: Till, ref: str, member: Member, session: Session, container: NullContainer
    ) -> None:
        use = a_use(till, ref, give(session, member))
        first = till.post("/coupon-redemptions", use)
        assert (first.status_code, first.json["discount_fen"]) == (201, 2_000)  # type: ignore[index]

        container.clock.advance(days=400)  # type: ignore[attr-defined]
        assert till.post("/coupon-redemptions", use).json == first.json
        other = till.post("/coupon-redemptions", use | {"lines": LINES[:1]})
        assert (other.status_code, code_of(other)) == (409, "idempotency_key_reused")
        assert session.scalar(select(func.count()).where(CouponRedemption.member_id == member.id)) == 1

    def test_a_used_coupon_and_a_small_basket_are_refused_with_the_reason_in_chinese(
        self, till: Till, ref: str, member: Member, session: Session
    ) -> None:
        used, fresh = give(session, member), give(session, member)
        till.post("/coupon-redemptions", a_use(till, ref, used))

        refused = till.post("/coupon-redemptions", a_use(till, ref, used))
        small = till.post("/coupon-redemptions", a_use(till, ref, fresh, lines=LINES[:1]))

        assert refused.json["error"]["details"]["coupons"][0]["message"] == "本券已使用"  # type: ignore[index]
        assert small.json["error"]["details"]["coupons"][0]["message"] == "再买 ¥40.00 可用"  # type: ignore[index]
        assert state_of(session, fresh) == CouponState.ISSUED

    def test_a_gift_is_handed_over_without_a_basket(
        self, till: Till, ref: str, member: Member, session: Session
    ) -> None:
        use = a_use(till, ref, give(session, member, worth=Gift("咖啡"), threshold_fen=0))
        del use["lines"]

        assert till.post("/coupon-redemptions", use).status_code == 201

    def test_coupons_set_aside_pay_what_was_told_and_are_free_again_when_let_go(
        self, till: Till, ref: str, member: Member, session: Session
    ) -> None:
        coupon_id = give(session, member)
        lock = a_lock(till, ref, coupon_id)
        locked = till.post("/coupon-locks", lock)
        assert (locked.status_code, locked.json["discount_fen"]) == (201, 2_000)  # type: ignore[index]
        assert till.post("/coupon-locks", lock).json == locked.json
        assert code_of(till.post("/coupon-redemptions", a_use(till, ref, coupon_id))) == "coupon_not_usable"

        for _ in range(2):
            assert till.post(f"/coupon-locks/{lock['reference']}/release").status_code == 204
        assert state_of(session, coupon_id) == CouponState.ISSUED

        again = a_lock(till, ref, coupon_id)
        till.post("/coupon-locks", again)
        used = till.post("/coupon-redemptions", a_use(till, ref, coupon_ids=None, lock_reference=again["reference"]))
        assert (used.status_code, used.json["discount_fen"]) == (201, 2_000)  # type: ignore[index]
        ended = till.post(f"/coupon-locks/{again['reference']}/release")
        assert (ended.status_code, code_of(ended)) == (409, "coupon_lock_ended")

    @pytest.mark.parametrize("both", [True, False])
    def test_coupons_are_named_in_one_way(self, till: Till, ref: str, both: bool) -> None:
        named = {"coupon_ids": [1], "lock_reference": "x"} if both else {"coupon_ids": None}

        refused = till.post("/coupon-redemptions", a_use(till, ref, **named))

        assert (refused.status_code, code_of(refused)) == (422, "coupons_not_named")

    def test_a_use_is_undone_and_a_second_time_nothing_happens(
        self, till: Till, ref: str, member: Member, session: Session
    ) -> None:
        coupon_id = give(session, member)
        used = till.post("/coupon-redemptions", a_use(till, ref, coupon_id)).json
        path = f"/coupon-redemptions/{used['coupons'][0]['redemption_id']}/reverse"  # type: ignore[index]

        for _ in range(2):
            assert till.post(path).status_code == 204

        assert state_of(session, coupon_id) == CouponState.ISSUED
        assert till.post("/coupon-redemptions", a_use(till, ref, coupon_id)).status_code == 201


class TestBaskets:
    @pytest.fixture(autouse=True)
    def _points(self, session: Session, member: Member, at: datetime) -> None:
        save_policy(session, ACCEPTING)
        open_account(session, member_id=member.id, at=at)
        earn(session, member.id, 5_000, at=at)
        session.commit()

    def a_basket(self, till: Till, ref: str, *coupon_ids: int, **changes: Any) -> dict[str, Any]:
        return about(till, ref, reference=unused("basket"), coupon_ids=list(coupon_ids), points=1_000) | changes

    def test_coupons_and_points_settle_with_the_purchase_and_come_back_with_its_refund(
        self, till: Till, ref: str, member: Member, session: Session, one_point_a_yuan: None
    ) -> None:
        coupon_id = give(session, member)
        basket = self.a_basket(till, ref, coupon_id)
        reserved = till.post("/baskets", basket)
        assert reserved.status_code == 201, reserved.text
        assert (reserved.json["discount_fen"], reserved.json["money_fen"]) == (2_000, 7_050)  # type: ignore[index]
        assert till.post("/baskets", basket).json == reserved.json
        assert available(till, ref) == 4_000

        order = a_purchase(till, ref, hold_reference=basket["reference"])
        paid = till.post("/purchases", order).json

        told = (paid["discount_fen"], paid["captured_fen"], paid["points"])  # type: ignore[index]
        assert told == (2_000, 1_000, 70)
        assert state_of(session, coupon_id) == CouponState.REDEEMED
        undone = till.post("/refunds", a_refund(till, order["order_number"], (1, 2, 6_000), (2, 1, 4_050))).json
        assert (undone["money_fen"], undone["returned_coupon_ids"]) == (7_050, [coupon_id])  # type: ignore[index]
        assert undone["points_returned"] == 1_000  # type: ignore[index]

    def test_what_is_let_go_is_free_again_and_another_key_cannot_let_go(
        self, till: Till, make_till: MakeTill, ref: str, member: Member, session: Session
    ) -> None:
        coupon_id = give(session, member)
        basket = self.a_basket(till, ref, coupon_id)
        till.post("/baskets", basket)

        theirs = make_till(till.store).post(f"/baskets/{basket['reference']}/release")
        assert code_of(theirs) == "points_payment_not_found"
        for _ in range(2):
            assert till.post(f"/baskets/{basket['reference']}/release").status_code == 204

        assert (available(till, ref), state_of(session, coupon_id)) == (5_000, CouponState.ISSUED)

    def test_too_few_points_leave_the_coupon_free(self, till: Till, ref: str, member: Member, session: Session) -> None:
        coupon_id = give(session, member)
        lines = [LINES[0] | {"amount_fen": 100_000}]

        refused = till.post("/baskets", self.a_basket(till, ref, coupon_id, points=6_000, lines=lines))

        assert (refused.status_code, code_of(refused)) == (409, "insufficient_points")
        assert state_of(session, coupon_id) == CouponState.ISSUED

    def test_a_use_that_paid_for_an_order_is_undone_by_its_refund_alone(
        self, till: Till, ref: str, member: Member, session: Session
    ) -> None:
        basket = self.a_basket(till, ref, give(session, member), points=0)
        till.post("/baskets", basket)
        till.post("/purchases", a_purchase(till, ref, hold_reference=basket["reference"]))
        redemption_id = session.scalar(select(CouponRedemption.id).where(CouponRedemption.member_id == member.id))

        refused = till.post(f"/coupon-redemptions/{redemption_id}/reverse")

        assert (refused.status_code, code_of(refused)) == (409, "coupon_redemption_of_order")


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

    def test_a_key_of_other_stores_cannot_undo_a_use_and_a_key_of_the_region_can(
        self, make_till: MakeTill, member: Member, session: Session
    ) -> None:
        region = make_region(session)
        till, other, above = make_till(make_store(session, parent=region)), make_till(), make_till(region)
        used = till.post("/coupon-redemptions", a_use(till, till.ref_of(member), give(session, member))).json
        redemption_id = used["coupons"][0]["redemption_id"]  # type: ignore[index]

        for number in (redemption_id, 10**12):
            hidden = other.post(f"/coupon-redemptions/{number}/reverse")
            assert (hidden.status_code, code_of(hidden)) == (404, "coupon_redemption_not_found")
        assert above.post(f"/coupon-redemptions/{redemption_id}/reverse").status_code == 204

    def test_what_one_key_set_aside_another_cannot_let_go_or_use(
        self, till: Till, make_till: MakeTill, ref: str, member: Member, session: Session
    ) -> None:
        lock = a_lock(till, ref, give(session, member))
        till.post("/coupon-locks", lock)
        other = make_till(till.store)
        use = a_use(other, "", coupon_ids=None, lock_reference=lock["reference"])
        del use["member_ref"]

        released = other.post(f"/coupon-locks/{lock['reference']}/release")
        used = other.post("/coupon-redemptions", use | {"phone": "13899999999"})

        assert (released.status_code, code_of(released)) == (404, "coupon_lock_not_found")
        assert used.status_code == 404


def _fresh(body: dict[str, Any]) -> dict[str, Any]:
    return {"reference": unused("fresh")} if "reference" in body else {}
