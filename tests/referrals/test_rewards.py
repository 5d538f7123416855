"""An honest invitation pays both sides once; whatever is none pays nothing and says why."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon
from loyalty.members import service as members
from loyalty.members.models import Member
from loyalty.merging.service import merge
from loyalty.points.queries import summary
from loyalty.referrals.queries.referrals import find_referral, get_referral
from loyalty.referrals.queries.uplines import upline
from loyalty.referrals.rules.programme import Caps, Reward
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import Against, ReferralState, RewardState
from loyalty.referrals.service import attribution, following, purchases, settling, switches
from loyalty.risk.queries.decisions import get_decision
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.service import block, note_phone, release, reverse
from tests.factories.check_ins import SHANGHAI
from tests.factories.checkout import buy, give_back
from tests.factories.coupons import make_template
from tests.factories.members import make_identity, make_member, unused_phone
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import assert_books_fit, balance_of, spend
from tests.factories.referrals import (
    ACTOR,
    ON_PURCHASE,
    WAITED,
    enrol,
    invite,
    link_of,
    make_visitor,
    open_by,
    publish,
    referral_of,
    settle,
)
from tests.support.events import recorded
from tests.support.settings import VAULT

HOUR = timedelta(hours=1)


@pytest.fixture
def sharer(session: Session) -> Member:
    publish(session)
    return make_member(session)


def attribute(session: Session, member: Member, at: datetime) -> int | None:
    return attribution.attribute(session, vault=VAULT, member_id=member.id, at=at)


def let_go(session: Session, decision_id: int | None, at: datetime) -> None:
    following.follow_release(session, vault=VAULT, decision_id=decision_id or 0, at=at, zone=SHANGHAI)


def state_of(session: Session, member: Member) -> tuple[str, str | None]:
    referral = referral_of(session, member.id)
    return referral.state, referral.reason


class TestHonest:
    def test_pays_both_sides_once_however_often_and_late_it_is_asked(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        friend = invite(session, sharer)
        referral_id = referral_of(session, friend.id).id
        settle(session, referral_id, at=at + HOUR)
        assert state_of(session, friend) == ("attributed", None)

        for _ in range(2):
            assert attribute(session, friend, at + 3 * WAITED) == referral_id
            settle(session, referral_id, at=at + 3 * WAITED)

        assert state_of(session, friend) == ("rewarded", None)
        assert (balance_of(session, sharer.id), balance_of(session, friend.id)) == (100, 50)
        assert recorded(session, "referral.qualified") == [
            {"referral_id": referral_id, "referrer_id": sharer.id, "referee_id": friend.id,
             "occurred_at": at.isoformat()}
        ]  # fmt: skip
        assert_books_fit(session, sharer.id)

    def test_who_opened_in_the_official_account_is_found_again_in_the_mini_program(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        web = make_visitor(session, unionid="uBOTHdoors")
        open_by(session, web, link_of(session, sharer.id, channel=Channel.OFFICIAL_ACCOUNT))
        friend = enrol(session, make_identity(session, appid="wxmini", unionid="uBOTHdoors"))

        assert attribute(session, friend, at) is not None
        assert referral_of(session, friend.id).channel == "oa"

    def test_nobody_invited_who_came_by_themselves(self, session: Session, sharer: Member, at: datetime) -> None:
        friend = enrol(session, make_visitor(session))

        assert attribute(session, friend, at) is None

    def test_the_survivors_of_merges_are_paid(self, session: Session, sharer: Member, at: datetime) -> None:
        friend, new_self = invite(session, sharer), make_member(session, enrolled_at=at)
        sharers_self = make_member(session)
        merge(session, survivor_id=new_self.id, other_id=friend.id, actor=ACTOR, at=at)
        merge(session, survivor_id=sharers_self.id, other_id=sharer.id, actor=ACTOR, at=at)
        following.follow_merge(session, member_id=new_self.id, at=at, zone=SHANGHAI)

        settle(session, referral_of(session, friend.id).id)

        assert (balance_of(session, sharers_self.id), balance_of(session, new_self.id)) == (100, 50)
        above = upline(session, member_id=new_self.id, at=at)
        assert above is not None
        assert above.referrer_id == sharers_self.id

    def test_a_family_behind_one_address_is_paid(self, session: Session, sharer: Member) -> None:
        family = [invite(session, sharer, ip="203.0.113.9") for _ in range(4)]

        for one in family:
            settle(session, referral_of(session, one.id).id)

        assert balance_of(session, sharer.id) == 400

    def test_coupons_are_given_and_a_refused_one_is_missed_alone(self, session: Session, at: datetime) -> None:
        template_id = make_template(session, stock=1)
        publish(session, referrer=Reward(coupon_template_id=template_id), referee=Reward(20, template_id))
        sharer = make_member(session)
        friend = invite(session, sharer)

        settle(session, referral_of(session, friend.id).id)

        view = find_referral(session, member_id=friend.id)
        assert view is not None
        assert sorted((one.side, one.state, one.points, one.reason) for one in view.rewards) == [
            ("referee", "paid", 20, "coupon_sold_out"),
            ("referrer", "paid", 0, None),
        ]

    def test_the_referrers_cap_is_missed_by_the_referrer_alone(self, session: Session, at: datetime) -> None:
        publish(session, caps=Caps(per_day=1))
        sharer = make_member(session)
        friends = [invite(session, sharer) for _ in range(2)]

        for one in friends:
            settle(session, referral_of(session, one.id).id)

        missed = find_referral(session, member_id=friends[1].id)
        assert missed is not None
        assert (balance_of(session, sharer.id), balance_of(session, friends[1].id)) == (100, 50)
        assert {(one.side.value, one.state.value, one.reason) for one in missed.rewards} == {
            ("referrer", "missed", "referrer_day"), ("referee", "paid", None)
        }  # fmt: skip


class TestRefused:
    def test_the_same_phone(self, session: Session, sharer: Member, at: datetime) -> None:
        phone = unused_phone()
        sharer.phone_sealed = VAULT.seal(phone, context="members.phone")
        sharer.phone_index = VAULT.index(phone, context="members.phone")
        session.flush()
        note_phone(session, member_id=sharer.id, at=at)
        sharer.phone_sealed = sharer.phone_index = None
        session.flush()
        visitor = make_visitor(session)
        open_by(session, visitor, link_of(session, sharer.id))
        friend = enrol(session, visitor, phone=phone)

        attribute(session, friend, at)

        assert state_of(session, friend) == ("refused", "same_phone")
        assert upline(session, member_id=friend.id, at=at) is None

    def test_outside_the_window(self, session: Session, sharer: Member, at: datetime) -> None:
        visitor = make_visitor(session)
        open_by(session, visitor, link_of(session, sharer.id))
        friend = enrol(session, visitor, at=at + timedelta(days=31))

        attribute(session, friend, at + timedelta(days=31))

        assert state_of(session, friend) == ("refused", "outside_window")

    def test_already_a_member_at_a_store(self, session: Session, sharer: Member, at: datetime) -> None:
        phone = unused_phone()
        members.enrol_provisional(session, VAULT, phone=phone, store_id=None, at=at - HOUR)
        visitor = make_visitor(session)
        open_by(session, visitor, link_of(session, sharer.id))
        friend = enrol(session, visitor, phone=phone, at=at + HOUR)

        attribute(session, friend, at + HOUR)

        assert state_of(session, friend) == ("refused", "already_a_member")

    @pytest.mark.parametrize("kind", [BlockKind.MEMBER, BlockKind.PHONE, BlockKind.DEVICE, BlockKind.IP])
    def test_blocklisted(self, session: Session, sharer: Member, at: datetime, kind: BlockKind) -> None:
        phone = unused_phone()
        values = {
            BlockKind.MEMBER: str(sharer.id),
            BlockKind.PHONE: phone,
            BlockKind.DEVICE: "farm",
            BlockKind.IP: "192.0.2.1",
        }
        visitor = make_visitor(session)
        open_by(session, visitor, link_of(session, sharer.id))
        block(
            session, vault=VAULT, target=Target(kind, values[kind]), reason="刷单", expires_at=at + WAITED,
            actor=ACTOR, at=at,
        )  # fmt: skip
        friend = enrol(session, visitor, phone=phone, device="farm", ip="192.0.2.1")

        attribute(session, friend, at)

        assert state_of(session, friend) == ("refused", "blocklisted")

    def test_one_person_with_two_phones_on_one_device(self, session: Session, sharer: Member, at: datetime) -> None:
        own = make_identity(session, member=sharer)
        open_by(session, own, link_of(session, sharer.id), device="mine")
        second = invite(session, sharer, device="mine")

        settle(session, referral_of(session, second.id).id)

        assert state_of(session, second) == ("refused", "same_device")
        decision = get_decision(session, decision_id=referral_of(session, second.id).decision_id or 0)
        assert decision.sentence == "与邀请人使用同一设备：与对方使用同一设备1（≥1）"
        assert recorded(session, "referral.qualified") == []

    def test_a_burst_from_one_address_is_held_and_a_flood_refused_from_the_first_on(
        self, session: Session, sharer: Member
    ) -> None:
        burst = [invite(session, make_member(session), ip="198.51.100.1") for _ in range(6)]
        flood = [invite(session, make_member(session), ip="198.51.100.2") for _ in range(15)]

        for one in (*burst, *flood):
            settle(session, referral_of(session, one.id).id)

        assert {state_of(session, one) for one in burst} == {("held", None)}
        assert {state_of(session, one) for one in flood} == {("refused", "address_flood")}

    def test_oneself_by_a_merge_before_it_was_paid_and_after(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        early, late = invite(session, sharer), invite(session, sharer)
        settle(session, referral_of(session, late.id).id)
        for one in (early, late):
            merge(session, survivor_id=sharer.id, other_id=one.id, actor=ACTOR, at=at)

        following.follow_merge(session, member_id=sharer.id, at=at + 2 * WAITED, zone=SHANGHAI)
        settle(session, referral_of(session, early.id).id, at=at + 2 * WAITED)

        assert state_of(session, early) == ("refused", "self")
        assert state_of(session, late) == ("reversed", "self")
        assert summary(session, member_id=sharer.id, at=at + 2 * WAITED).available == 0
        assert_books_fit(session, sharer.id)

    def test_a_circle_that_a_merge_closes(self, session: Session, sharer: Member, at: datetime) -> None:
        friend = invite(session, sharer)
        second_self = invite(session, friend, at=at + HOUR)
        merge(session, survivor_id=sharer.id, other_id=second_self.id, actor=ACTOR, at=at + HOUR)

        following.follow_merge(session, member_id=sharer.id, at=at + HOUR, zone=SHANGHAI)

        assert state_of(session, friend) == ("attributed", None)
        assert state_of(session, second_self) == ("refused", "circular")

    def test_a_channel_that_is_off_pays_nothing_until_it_is_on_again(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        friend = invite(session, sharer)
        referral_id = referral_of(session, friend.id).id
        settling.settle(session, vault=VAULT, referral_id=referral_id, at=at + WAITED, zone=SHANGHAI)
        switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="被投诉", actor=ACTOR, at=at)

        settle(session, referral_id)
        assert state_of(session, friend) == ("qualified", None)
        assert settling.owed(session, after_id=0) == []

        switches.turn_on(session, channel=Channel.MINI_PROGRAM, reason="已整改", actor=ACTOR, at=at)
        settle(session, referral_id)
        assert state_of(session, friend) == ("rewarded", None)


class TestBlockedSince:
    """Who is put on the blocklist after the friend came."""

    def stop(self, session: Session, member: Member, at: datetime) -> None:
        target = Target(BlockKind.MEMBER, str(member.id))
        block(session, vault=VAULT, target=target, reason="刷单", expires_at=at + 2 * WAITED, actor=ACTOR, at=at)

    @pytest.mark.parametrize("side", ["referrer", "referee"])
    def test_is_refused_when_risk_looks(self, session: Session, sharer: Member, at: datetime, side: str) -> None:
        friend = invite(session, sharer)
        self.stop(session, sharer if side == "referrer" else friend, at)

        settle(session, referral_of(session, friend.id).id)

        assert state_of(session, friend) == ("refused", "blocklist")
        assert (
            get_decision(session, decision_id=referral_of(session, friend.id).decision_id or 0).sentence == "在黑名单中"
        )

    @pytest.mark.parametrize("side", ["referrer", "referee"])
    def test_lets_what_is_due_wait_until_the_block_is_over(
        self, session: Session, sharer: Member, at: datetime, side: str
    ) -> None:
        friend = invite(session, sharer)
        referral_id = referral_of(session, friend.id).id
        settling.settle(session, vault=VAULT, referral_id=referral_id, at=at + WAITED, zone=SHANGHAI)
        self.stop(session, sharer if side == "referrer" else friend, at + WAITED)

        settle(session, referral_id, at=at + WAITED)
        assert state_of(session, friend) == ("qualified", None)
        assert (balance_of(session, sharer.id), balance_of(session, friend.id)) == (0, 0)

        settle(session, referral_id, at=at + 4 * WAITED)
        assert state_of(session, friend) == ("rewarded", None)


class TestReview:
    @pytest.fixture
    def held(self, session: Session, sharer: Member) -> list[Member]:
        friends = [invite(session, make_member(session), ip="198.51.100.7") for _ in range(6)]
        for one in friends:
            settle(session, referral_of(session, one.id).id)
        return friends

    def test_a_release_pays_once(self, session: Session, held: list[Member], at: datetime) -> None:
        referral = referral_of(session, held[0].id)
        assert referral.state == "held"
        release(session, decision_id=referral.decision_id or 0, reason="核实为门店活动", actor=ACTOR, at=at)

        for _ in range(2):
            let_go(session, referral.decision_id, at)
            settle(session, referral.id)

        assert (balance_of(session, referral.referrer_id), balance_of(session, held[0].id)) == (100, 50)

    def test_a_reversal_refuses_what_is_held_and_takes_back_what_was_paid(
        self, session: Session, held: list[Member], sharer: Member, at: datetime
    ) -> None:
        paid = invite(session, sharer)
        settle(session, referral_of(session, paid.id).id)

        for one in (held[0], paid):
            decision_id = referral_of(session, one.id).decision_id or 0
            reverse(session, decision_id=decision_id, reason="刷单", actor=ACTOR, at=at)
            for _ in range(2):
                following.follow_reversal(session, decision_id=decision_id, at=at, zone=SHANGHAI)

        let_go(session, referral_of(session, held[0].id).decision_id, at)
        assert state_of(session, held[0]) == ("refused", Against.REVIEWED)
        assert state_of(session, paid) == ("reversed", Against.REVIEWED)
        assert balance_of(session, sharer.id) == 0

    def test_a_release_waits_while_the_channel_is_off(self, session: Session, held: list[Member], at: datetime) -> None:
        referral = referral_of(session, held[0].id)
        switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="被投诉", actor=ACTOR, at=at)
        release(session, decision_id=referral.decision_id or 0, reason="核实", actor=ACTOR, at=at)

        let_go(session, referral.decision_id, at + WAITED)
        assert state_of(session, held[0]) == ("attributed", None)
        assert recorded(session, "referral.qualified") == []

        switches.turn_on(session, channel=Channel.MINI_PROGRAM, reason="已整改", actor=ACTOR, at=at)
        settle(session, referral.id)
        assert state_of(session, held[0]) == ("rewarded", None)

    def test_a_release_does_not_bring_back_what_a_merge_has_ended(
        self, session: Session, held: list[Member], at: datetime
    ) -> None:
        friend, known_before = held[0], make_member(session, enrolled_at=at - HOUR)
        merge(session, survivor_id=known_before.id, other_id=friend.id, actor=ACTOR, at=at + WAITED)
        following.follow_merge(session, member_id=known_before.id, at=at + WAITED, zone=SHANGHAI)
        decision_id = referral_of(session, friend.id).decision_id
        release(session, decision_id=decision_id or 0, reason="核实", actor=ACTOR, at=at + WAITED)

        let_go(session, decision_id, at + WAITED)

        assert state_of(session, friend) == ("refused", "already_a_member")
        assert recorded(session, "referral.qualified") == []

    def test_a_release_of_what_a_rule_refused_finds_the_merge_that_nobody_looked_for(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        own = make_identity(session, member=sharer)
        open_by(session, own, link_of(session, sharer.id), device="mine")
        friend = invite(session, sharer, device="mine")
        settle(session, referral_of(session, friend.id).id)
        merge(session, survivor_id=sharer.id, other_id=friend.id, actor=ACTOR, at=at + WAITED)
        decision_id = referral_of(session, friend.id).decision_id
        release(session, decision_id=decision_id or 0, reason="核实", actor=ACTOR, at=at + WAITED)

        let_go(session, decision_id, at + WAITED)

        assert state_of(session, friend) == ("refused", "self")


class TestPurchase:
    @pytest.fixture
    def buyer(self, session: Session, sharer: Member) -> Member:
        publish(session, **ON_PURCHASE, caps=Caps(total=1))
        return invite(session, sharer)

    def buy(self, session: Session, member: Member, number: str, amount_fen: int, at: datetime) -> None:
        buy(session, make_purchase(member.id, line(amount_fen=amount_fen), order_number=number, paid_at=at), at=at)
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

    def test_a_friend_who_does_not_buy_in_time_lapses_and_stays_invited(
        self, session: Session, sharer: Member, buyer: Member, at: datetime
    ) -> None:
        assert settling.lapse(session, at=at + timedelta(days=30)) == 1

        session.expire_all()
        assert state_of(session, buyer) == ("lapsed", None)
        above = upline(session, member_id=buyer.id, at=at)
        assert above is not None
        assert above.referrer_id == sharer.id


class TestUpline:
    def test_two_levels_are_stored_and_a_third_is_nowhere(self, session: Session, sharer: Member, at: datetime) -> None:
        first = invite(session, sharer)
        second = invite(session, first, at=at + HOUR)
        third = invite(session, second, at=at + 2 * HOUR)

        above = upline(session, member_id=third.id, at=at + WAITED)

        assert above is not None
        assert (above.referrer_id, above.second, above.is_held) == (second.id, first.id, False)

    def test_who_was_found_to_be_fraud_stands_above_nobody(
        self, session: Session, sharer: Member, at: datetime
    ) -> None:
        own = make_identity(session, member=sharer)
        open_by(session, own, link_of(session, sharer.id), device="mine")
        second_self = invite(session, sharer, device="mine")
        friend = invite(session, second_self, at=at + HOUR)

        settle(session, referral_of(session, second_self.id).id)

        above = upline(session, member_id=friend.id, at=at + WAITED)
        assert above is not None
        assert (above.referrer_id, above.second) == (second_self.id, None)
