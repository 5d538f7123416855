"""Where the friend has to buy: what fulfils it, and what refunds take back."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.members.models import Member
from loyalty.referrals.queries.referrals import get_referral
from loyalty.referrals.queries.uplines import upline
from loyalty.referrals.rules.programme import Caps, Reward
from loyalty.referrals.rules.states import ReferralState, RewardState
from loyalty.referrals.service import following, purchases, settling
from loyalty.risk.service import reverse
from tests.factories.check_ins import SHANGHAI
from tests.factories.checkout import buy, give_back
from tests.factories.coupons import make_template
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import assert_books_fit, balance_of, spend
from tests.factories.referrals import (
    ACTOR,
    ON_PURCHASE,
    WAITED,
    available,
    invite,
    publish,
    referral_of,
    settle,
    state_of,
)
from tests.support.settings import VAULT

HOUR = timedelta(hours=1)


class TestPurchase:
    @pytest.fixture
    def buyer(self, session: Session, sharer: Member) -> Member:
        publish(session, **ON_PURCHASE, caps=Caps(total=1))
        return invite(session, sharer)

    def buy(
        self, session: Session, member: Member, number: str, amount_fen: int, at: datetime, *,
        paid_at: datetime | None = None,
    ) -> None:  # fmt: skip
        bought = make_purchase(
            member.id, line(amount_fen=amount_fen), order_number=number, paid_at=paid_at or at
        )  # fmt: skip
        buy(session, bought, at=at)
        waiting = purchases.waiting_of(session, member_id=member.id)
        if waiting is not None:
            purchases.fulfil(session, referral_id=waiting, at=at)

    def test_enough_of_it_pays_and_too_little_does_not(
        self, session: Session, sharer: Member, buyer: Member, at: datetime
    ) -> None:
        referral_id = referral_of(session, buyer.id).id
        self.buy(session, buyer, "SMALL", 4_999, at)
        settle(session, referral_id)
        assert state_of(session, buyer) == ("attributed", None)

        self.buy(session, buyer, "LARGE", 5_000, at + HOUR)
        settle(session, referral_id, at=at + 2 * WAITED)

        assert state_of(session, buyer) == ("rewarded", None)
        assert balance_of(session, sharer.id) == 100

    def test_a_refund_before_it_is_settled_pays_nothing_and_another_purchase_counts(
        self, session: Session, sharer: Member, buyer: Member, at: datetime
    ) -> None:
        referral_id = referral_of(session, buyer.id).id
        self.buy(session, buyer, "BACK", 10_000, at)
        give_back(session, make_refund("BACK"))

        settle(session, referral_id)
        assert state_of(session, buyer) == ("attributed", None)

        self.buy(session, buyer, "KEPT", 10_000, at + WAITED)
        settle(session, referral_id, at=at + 3 * WAITED)
        assert state_of(session, buyer) == ("rewarded", None)

    def test_a_refund_between_passing_risk_and_being_paid_pays_nothing(
        self, session: Session, sharer: Member, buyer: Member, at: datetime
    ) -> None:
        self.buy(session, buyer, "LATE", 10_000, at)
        referral = referral_of(session, buyer.id)
        settling.settle(session, vault=VAULT, referral_id=referral.id, at=at + WAITED, zone=SHANGHAI)
        give_back(session, make_refund("LATE"))

        settle(session, referral.id)

        assert state_of(session, buyer) == ("reversed", "refunded")
        assert get_referral(session, referral_id=referral.id).rewards == ()

    def test_a_refund_after_it_was_paid_takes_everything_back_also_what_was_spent(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        template_id = make_template(session)
        publish(session, **{**ON_PURCHASE, "referee": Reward(coupon_template_id=template_id)}, caps=Caps(total=1))
        buyer = invite(session, sharer)
        self.buy(session, buyer, "TAKEN", 10_000, at)
        referral = referral_of(session, buyer.id)
        settle(session, referral.id)
        spend(session, sharer.id, 30, at=at + 2 * WAITED)
        give_back(session, make_refund("TAKEN"), at=at + 2 * WAITED)

        for _ in range(2):
            following.follow_refund(session, order_id=referral.order_id or 0, at=at + 2 * WAITED, zone=SHANGHAI)

        view = get_referral(session, referral_id=referral.id)
        assert (view.state, view.reason) == (ReferralState.REVERSED, "refunded")
        assert {one.state for one in view.rewards} == {RewardState.TAKEN_BACK}
        assert balance_of(session, sharer.id) == 0
        coupon_id = next(one.coupon_id for one in view.rewards if one.coupon_id)
        assert session.get_one(Coupon, coupon_id, populate_existing=True).state == "voided"
        assert upline(session, member_id=buyer.id, at=at) is not None
        assert_books_fit(session, sharer.id)
        other = invite(session, sharer, at=at + 2 * WAITED)
        self.buy(session, other, "CAPLEFT", 10_000, at + 2 * WAITED)
        settle(session, referral_of(session, other.id).id, at=at + 4 * WAITED)
        assert balance_of(session, sharer.id) == 100 - 30, "the next reward pays what was spent of the first"

    def test_a_fraud_that_is_found_after_the_refund_ends_the_invitation_too(
        self, session: Session, sharer: Member, buyer: Member, at: datetime
    ) -> None:
        self.buy(session, buyer, "BACK", 10_000, at)
        referral = referral_of(session, buyer.id)
        settle(session, referral.id)
        give_back(session, make_refund("BACK"), at=at + WAITED)
        following.follow_refund(session, order_id=referral.order_id or 0, at=at + WAITED, zone=SHANGHAI)
        reverse(session, decision_id=referral.decision_id or 0, reason="刷单", actor=ACTOR, at=at + WAITED)

        for _ in range(2):
            following.follow_reversal(session, decision_id=referral.decision_id or 0, at=at + WAITED, zone=SHANGHAI)

        assert state_of(session, buyer) == ("reversed", "reviewed")
        assert upline(session, member_id=buyer.id, at=at + WAITED) is None
        assert balance_of(session, sharer.id) == 0

    @pytest.mark.parametrize("is_told_late", [False, True], ids=["before the sweep", "after the sweep"])
    @pytest.mark.parametrize("is_in_time", [True, False], ids=["in time", "too late"])
    def test_what_was_paid_in_time_counts_whenever_it_is_told(
        self, session: Session, sharer: Member, buyer: Member, at: datetime, is_told_late: bool, is_in_time: bool
    ) -> None:
        end = at + timedelta(days=30)
        swept_at, told_at = (end, end + HOUR) if is_told_late else (end + HOUR, end)
        if is_told_late:
            settling.lapse(session, at=swept_at)
        paid_at = end - HOUR if is_in_time else end + timedelta(seconds=1)
        self.buy(session, buyer, "TILL", 5_000, told_at, paid_at=paid_at)
        if not is_told_late:
            settling.lapse(session, at=swept_at)

        settle(session, referral_of(session, buyer.id).id, at=told_at + WAITED)
        settling.lapse(session, at=told_at + WAITED)

        session.expire_all()
        assert state_of(session, buyer) == (("rewarded" if is_in_time else "lapsed"), None)
        assert available(session, sharer, told_at + WAITED) == (100 if is_in_time else 0)

    def test_what_was_told_late_and_refunded_lapses_again(
        self, session: Session, sharer: Member, buyer: Member, at: datetime
    ) -> None:
        end = at + timedelta(days=30)
        settling.lapse(session, at=end)
        self.buy(session, buyer, "TILL", 10_000, end + HOUR, paid_at=end - HOUR)
        give_back(session, make_refund("TILL"), at=end + HOUR)

        settle(session, referral_of(session, buyer.id).id, at=end + WAITED + HOUR)
        settling.lapse(session, at=end + WAITED + HOUR)

        session.expire_all()
        assert state_of(session, buyer) == ("lapsed", None)
        assert available(session, sharer, end + WAITED + HOUR) == 0

    def test_a_friend_who_does_not_buy_in_time_lapses_and_stays_invited(
        self, session: Session, sharer: Member, buyer: Member, at: datetime
    ) -> None:
        assert settling.lapse(session, at=at + timedelta(days=30)) == 1

        session.expire_all()
        assert state_of(session, buyer) == ("lapsed", None)
        above = upline(session, member_id=buyer.id, at=at)
        assert above is not None
        assert above.referrer_id == sharer.id
