"""What risk held, or let pass, a person releases or reverses."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from loyalty.merging.service import merge
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import Against
from loyalty.referrals.service import following, switches
from loyalty.risk.service import release, reverse
from tests.factories.check_ins import SHANGHAI
from tests.factories.members import make_identity, make_member
from tests.factories.points import balance_of
from tests.factories.referrals import (
    ACTOR,
    WAITED,
    invite,
    link_of,
    open_by,
    referral_of,
    settle,
    state_of,
)
from tests.support.events import recorded
from tests.support.settings import VAULT

HOUR = timedelta(hours=1)


def let_go(session: Session, decision_id: int | None, at: datetime) -> None:
    following.follow_release(session, vault=VAULT, decision_id=decision_id or 0, at=at, zone=SHANGHAI)


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
