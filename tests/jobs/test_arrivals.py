"""Who is about to enrol: WeChat's opinion of whom somebody invited, and codes that were typed."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.referrals import settle_referrals
from loyalty.gateways.answers import RiskRank
from loyalty.members import service as members
from loyalty.members.models import Member
from loyalty.referrals.models import Referral
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import ReferralState
from loyalty.referrals.service.arriving import note_arrival
from loyalty.risk.service import release
from tests.factories.members import make_consents, unused_phone
from tests.factories.referrals import (
    ACTOR,
    available,
    link_of,
    make_visitor,
    open_by,
    view_of,
)
from tests.support.containers import NullContainer, StandingClock
from tests.support.handling import handle_all, perform
from tests.support.settings import VAULT


class TestArrival:
    def arrive(self, container: NullContainer, identity_id: int, **changes: object) -> None:
        note_arrival(
            container.database, vault=VAULT, identity_id=identity_id, device="phone-1", ip="203.0.113.5",
            mini_program=container.mp, at=container.clock.now(), **changes,  # type: ignore[arg-type]
        )  # fmt: skip

    def bind(self, session: Session, identity_id: int, at: datetime) -> int:
        outcome = members.bind_by_wechat_phone(
            session, vault=VAULT, identity_id=identity_id, phone=unused_phone(), consents=make_consents(), at=at
        )
        return outcome.member_id or 0

    def test_wechat_is_asked_about_who_was_invited_alone(
        self, jobs_container: NullContainer, session: Session, sharer: Member
    ) -> None:
        stranger, friend = make_visitor(session), make_visitor(session)
        open_by(session, friend, link_of(session, sharer.id))

        for visitor in (stranger, friend):
            self.arrive(jobs_container, visitor.id)

        assert jobs_container.mp.risk_calls == [(friend.openid, "enrolment")]

    def test_a_typed_code_invites_and_a_wrong_one_keeps_nobody_out(
        self, jobs_container: NullContainer, session: Session, sharer: Member, at: datetime
    ) -> None:
        code = link_of(session, sharer.id, channel=Channel.CODE)
        friend, stranger = make_visitor(session), make_visitor(session)
        self.arrive(jobs_container, friend.id, referral_code=code.lower())
        self.arrive(jobs_container, stranger.id, referral_code="\0😀")
        member_id, stranger_id = (self.bind(session, one.id, at) for one in (friend, stranger))

        handle_all(jobs_container, session, "member.enrolled")

        view = view_of(session, member_id)
        assert (view.referrer_id, view.channel) == (sharer.id, Channel.CODE)
        assert session.scalar(select(Referral.id).where(Referral.member_id == stranger_id)) is None

    def test_who_wechat_cannot_judge_is_held_until_a_person_lets_them_go(
        self, jobs_container: NullContainer, session: Session, sharer: Member, clock: StandingClock
    ) -> None:
        jobs_container.mp.risk = RiskRank.UNKNOWN
        friend = make_visitor(session)
        open_by(session, friend, link_of(session, sharer.id))
        self.arrive(jobs_container, friend.id)
        member_id = self.bind(session, friend.id, clock.at)
        handle_all(jobs_container, session, "member.enrolled")
        clock.advance(hours=25)
        perform(jobs_container, settle_referrals)
        view = view_of(session, member_id)
        assert view.state is ReferralState.HELD

        release(session, decision_id=view.decision_id or 0, reason="已核实", actor=ACTOR, at=clock.at)
        handle_all(jobs_container, session, "risk.released")
        handle_all(jobs_container, session, "referral.qualified")

        assert available(session, sharer, clock.at) == 100
