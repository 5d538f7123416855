"""Coupons used at a till: set aside, redeemed once, undone, alone and in a basket; within the key's stores."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponRedemption
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.rules.terms import Gift
from loyalty.members.models import Member
from loyalty.points.service import open_account
from tests.factories.checkout import ACCEPTING, save_policy
from tests.factories.points import earn
from tests.factories.stores import make_region, make_store
from tests.portal.partner_api.conftest import LINES, MakeTill, Till, a_purchase, a_refund, available, code_of, unused
from tests.portal.partner_api.coupons import a_lock, a_use, about, give, state_of
from tests.support.containers import NullContainer


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
        assert code_of(till.post("/coupon-locks", lock | {"minutes": 5})) == "idempotency_key_reused"
        assert code_of(till.post("/coupon-redemptions", a_use(till, ref, coupon_id))) == "coupon_not_usable"

        for _ in range(2):
            assert till.post(f"/coupon-locks/{lock['reference']}/release").status_code == 204
        assert state_of(session, coupon_id) == CouponState.ISSUED
        assert code_of(till.post("/coupon-locks", lock)) == "coupon_lock_ended"

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
        assert code_of(till.post("/baskets", basket | {"points": 900})) == "idempotency_key_reused"
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


class TestOtherKeys:
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
