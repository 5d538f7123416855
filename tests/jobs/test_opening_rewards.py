"""What openings alone pay who shared, each event twice and late without harm."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.referrals import settle_referrals
from loyalty.members.models import Member
from loyalty.referrals.models import ReferralReward
from loyalty.referrals.rules.programme import OpeningReward
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import switches
from loyalty.risk.queries.decisions import list_decisions
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.rules.subjects import Occasion
from loyalty.risk.service import block, release, reverse
from tests.factories.members import make_identity
from tests.factories.referrals import (
    ACTOR,
    available,
    enrol,
    link_of,
    make_visitor,
    open_by,
    publish,
)
from tests.support.containers import NullContainer, StandingClock
from tests.support.events import recorded
from tests.support.handling import handle_all, handle_twice, perform
from tests.support.settings import VAULT


class TestOpenings:
    @pytest.fixture
    def paying(self, session: Session, sharer: Member, at: datetime) -> str:
        publish(session, at=at, opening=OpeningReward(points=2, per_day=3))
        return link_of(session, sharer.id)

    def test_pay_within_the_cap_of_the_day_once(
        self, jobs_container: NullContainer, session: Session, sharer: Member, paying: str, at: datetime
    ) -> None:
        for number in range(4):
            open_by(session, make_visitor(session), paying, device=f"d{number}", ip=f"10.9.0.{number}")
        open_by(session, make_identity(session, member=sharer), paying)

        handle_all(jobs_container, session, "share.opened")

        assert available(session, sharer, at) == 6
        assert session.scalars(select(ReferralReward.reason).order_by(ReferralReward.id)).all()[3] == "sharer_day"

    def test_pay_within_the_cap_in_all_over_the_days(
        self, jobs_container: NullContainer, session: Session, sharer: Member, clock: StandingClock
    ) -> None:
        publish(session, at=clock.at, opening=OpeningReward(points=2, per_day=2, total=3))
        link = link_of(session, sharer.id)
        for day in range(3):
            for number in range(3):
                device, ip = f"d{day}{number}", f"10.9.{day}.{number}"
                open_by(session, make_visitor(session), link, device=device, ip=ip, at=clock.at)
            handle_all(jobs_container, session, "share.opened")
            clock.advance(days=1)

        assert available(session, sharer, clock.at) == 2 * 3
        assert session.scalars(select(ReferralReward.reason).order_by(ReferralReward.opening_id)).all() == [
            *(None, None, "sharer_day"),
            *(None, "sharer_total", "sharer_total"),
            *["sharer_total"] * 3,
        ]

    def test_of_a_click_farm_pay_nothing(
        self, jobs_container: NullContainer, session: Session, sharer: Member, paying: str, at: datetime
    ) -> None:
        for _ in range(5):
            open_by(session, make_visitor(session), paying, device="farm", ip="10.9.1.1")

        handle_all(jobs_container, session, "share.opened")

        assert available(session, sharer, at) == 0
        assert set(session.scalars(select(ReferralReward.reason))) == {"clicks_of_one_device"}

    def test_of_a_click_farm_that_enrols_before_risk_looks_pay_nothing_either(
        self, jobs_container: NullContainer, session: Session, sharer: Member, paying: str, at: datetime
    ) -> None:
        farm = [make_visitor(session) for _ in range(5)]
        for one in farm:
            open_by(session, one, paying, device="farm", ip="10.9.1.1")
        for one in farm[:4]:
            enrol(session, one)
        handle_all(jobs_container, session, "member.enrolled")
        enrol(session, farm[4])

        handle_all(jobs_container, session, "share.opened")

        assert available(session, sharer, at) == 0
        assert set(session.scalars(select(ReferralReward.reason))) == {"clicks_of_one_device"}

    def test_wait_for_the_channel_to_be_on_again(
        self, jobs_container: NullContainer, session: Session, sharer: Member, paying: str, at: datetime
    ) -> None:
        open_by(session, make_visitor(session), paying)
        switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="被投诉", actor=ACTOR, at=at)
        handle_all(jobs_container, session, "share.opened")
        assert perform(jobs_container, settle_referrals)["opened"] == 0

        switches.turn_on(session, channel=Channel.MINI_PROGRAM, reason="已整改", actor=ACTOR, at=at)
        assert [perform(jobs_container, settle_referrals)["opened"] for _ in range(2)] == [1, 0]

        assert available(session, sharer, at) == 2

    def test_pay_nobody_who_is_blocked(
        self, jobs_container: NullContainer, session: Session, sharer: Member, paying: str, clock: StandingClock
    ) -> None:
        open_by(session, make_visitor(session), paying)
        target = Target(BlockKind.MEMBER, str(sharer.id))
        block(session, vault=VAULT, target=target, reason="刷单", expires_at=None, actor=ACTOR, at=clock.at)

        handle_all(jobs_container, session, "share.opened")

        assert available(session, sharer, clock.at) == 0
        assert session.scalars(select(ReferralReward.reason)).all() == ["blocklist"]

    def test_let_go_by_a_person_wait_while_the_sharer_is_blocked(
        self, jobs_container: NullContainer, session: Session, sharer: Member, paying: str, clock: StandingClock
    ) -> None:
        farm = [open_by(session, make_visitor(session), paying, device="one") for _ in range(4)]
        handle_all(jobs_container, session, "share.opened")
        target, until = Target(BlockKind.MEMBER, str(sharer.id)), clock.at + timedelta(days=1)
        block(session, vault=VAULT, target=target, reason="刷单", expires_at=until, actor=ACTOR, at=clock.at)
        decision = list_decisions(session, occasion=Occasion.OPENING).items[0]
        release(session, decision_id=decision.id, reason="门店平板", actor=ACTOR, at=clock.at)
        handle_all(jobs_container, session, "risk.released")
        assert available(session, sharer, clock.at) == 0

        clock.advance(days=2)
        perform(jobs_container, settle_referrals)

        assert available(session, sharer, clock.at) == 2
        assert decision.reference == f"opening:{farm[-1].opening_id}"

    def test_found_to_be_fraud_are_taken_back(
        self, jobs_container: NullContainer, session: Session, sharer: Member, paying: str, at: datetime
    ) -> None:
        open_by(session, make_visitor(session), paying)
        handle_all(jobs_container, session, "share.opened")
        open_by(session, make_visitor(session), paying)
        (_, unpaid) = recorded(session, "share.opened")
        switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="被投诉", actor=ACTOR, at=at)
        handle_twice(jobs_container, "share.opened", unpaid)
        assert available(session, sharer, at) == 2
        (decision,) = list_decisions(session, occasion=Occasion.OPENING).items

        reverse(session, decision_id=decision.id, reason="刷单", actor=ACTOR, at=at)
        handle_all(jobs_container, session, "risk.reversed")

        assert available(session, sharer, at) == 0
        assert session.scalars(select(ReferralReward.state).order_by(ReferralReward.id)).all() == [
            "taken_back",
            "waiting",
        ]

    def test_pay_nothing_where_the_programme_does_not(
        self, jobs_container: NullContainer, session: Session, sharer: Member
    ) -> None:
        open_by(session, make_visitor(session), link_of(session, sharer.id))

        assert recorded(session, "share.opened") == []
