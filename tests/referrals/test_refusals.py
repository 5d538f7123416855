"""Whatever is no honest invitation pays nothing, and says why."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.members import service as members
from loyalty.members.models import Member
from loyalty.merging.service import merge
from loyalty.points.queries import summary
from loyalty.referrals.queries.uplines import upline
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import following, settling, switches
from loyalty.risk.queries.decisions import get_decision
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.service import block, note_phone
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_identity, make_member, unused_phone
from tests.factories.points import assert_books_fit, balance_of
from tests.factories.referrals import (
    ACTOR,
    WAITED,
    attribute,
    enrol,
    invite,
    link_of,
    make_visitor,
    open_by,
    referral_of,
    settle,
    state_of,
)
from tests.support.events import recorded
from tests.support.settings import VAULT

HOUR = timedelta(hours=1)


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
