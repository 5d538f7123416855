"""What follows from enrolments, purchases, refunds, openings and reviews, each event twice and late without harm."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import handlers
from jobs.periodic import PeriodicRun
from jobs.referrals import settle_referrals
from jobs.risk import forget_sightings
from loyalty.channels.models import Scene
from loyalty.container import Container
from loyalty.gateways.protocols import RiskRank
from loyalty.kernel.database import Json
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.timetable import Slot
from loyalty.members import service as members
from loyalty.members.models import Member
from loyalty.points.queries import summary
from loyalty.referrals.models import ReferralReward, ShareToken
from loyalty.referrals.queries.referrals import find_referral
from loyalty.referrals.rules.programme import OpeningReward
from loyalty.referrals.rules.sharing import SCENE_KIND, Channel
from loyalty.referrals.rules.states import ReferralState
from loyalty.referrals.service import switches
from loyalty.referrals.service.arriving import note_arrival
from loyalty.risk.queries.decisions import list_decisions
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.rules.subjects import Occasion
from loyalty.risk.service import block, release, reverse
from tests.factories.checkout import buy, give_back
from tests.factories.members import make_consents, make_identity, make_member, unused_openid, unused_phone
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.referrals import ACTOR, ON_PURCHASE, enrol, link_of, make_visitor, open_by, publish
from tests.support.containers import NullContainer, StandingClock
from tests.support.events import recorded
from tests.support.settings import OA_APPID, VAULT


def handle_twice(container: Container, kind: str, payload: Json) -> None:
    for _ in range(2):
        handlers.handle(container, OutboxEvent(id=0, kind=kind, payload=payload, attempts=1))


def handle_all(container: Container, session: Session, kind: str) -> None:
    for payload in recorded(session, kind):
        handle_twice(container, kind, payload)


def run_job(container: Container) -> Json:
    at = container.clock.now()
    return settle_referrals(PeriodicRun(container, job="settle_referrals", slot=Slot(at.isoformat(), at.date())))


def available(session: Session, member: Member, at: datetime) -> int:
    return summary(session, member_id=member.id, at=at).available


@pytest.fixture
def sharer(session: Session, at: datetime) -> Member:
    publish(session, at=at)
    return make_member(session)


def test_a_friend_enrols_and_both_are_paid_a_day_later(
    jobs_container: NullContainer, session: Session, sharer: Member, clock: StandingClock
) -> None:
    visitor = make_visitor(session)
    open_by(session, visitor, link_of(session, sharer.id))
    friend = enrol(session, visitor)
    handle_all(jobs_container, session, "member.enrolled")
    handle_all(jobs_container, session, "member.joined")
    assert run_job(jobs_container) == {"settled": 0, "rewarded": 0, "opened": 0, "lapsed": 0}

    clock.advance(hours=25)
    assert run_job(jobs_container)["settled"] == 1
    handle_all(jobs_container, session, "referral.qualified")

    assert (available(session, sharer, clock.at), available(session, friend, clock.at)) == (100, 50)


@pytest.mark.parametrize("is_purchase_first", [False, True])
def test_a_purchase_counts_whether_it_is_told_before_the_enrolment_or_after(
    jobs_container: NullContainer, session: Session, sharer: Member, at: datetime, is_purchase_first: bool
) -> None:
    publish(session, at=at, **ON_PURCHASE)
    visitor = make_visitor(session)
    open_by(session, visitor, link_of(session, sharer.id))
    friend = enrol(session, visitor)
    buy(session, make_purchase(friend.id, order_number="FIRST"))
    order = ["order.recorded", "member.enrolled"]
    for kind in order if is_purchase_first else reversed(order):
        handle_all(jobs_container, session, kind)

    clock = jobs_container.clock
    assert isinstance(clock, StandingClock)
    clock.advance(hours=25)
    run_job(jobs_container)
    handle_all(jobs_container, session, "referral.qualified")
    assert available(session, sharer, clock.at) == 100

    give_back(session, make_refund("FIRST", refunded_at=clock.at), at=clock.at)
    handle_all(jobs_container, session, "order.refunded")
    view = find_referral(session, member_id=friend.id)
    assert view is not None
    assert (view.state, view.reason) == (ReferralState.REVERSED, "refunded")
    assert available(session, sharer, clock.at) == 0


def test_a_purchase_that_is_corrected_to_too_little_takes_the_reward_back(
    jobs_container: NullContainer, session: Session, sharer: Member, clock: StandingClock
) -> None:
    publish(session, at=clock.at, **ON_PURCHASE)
    visitor = make_visitor(session)
    open_by(session, visitor, link_of(session, sharer.id))
    friend = enrol(session, visitor)
    buy(session, make_purchase(friend.id, order_number="WRONG"))
    handle_all(jobs_container, session, "member.enrolled")
    handle_all(jobs_container, session, "order.recorded")
    clock.advance(hours=25)
    run_job(jobs_container)
    handle_all(jobs_container, session, "referral.qualified")
    assert available(session, sharer, clock.at) == 100

    buy(session, make_purchase(friend.id, line(amount_fen=4_000), order_number="WRONG", version=2), at=clock.at)
    handle_all(jobs_container, session, "order.recorded")

    assert available(session, sharer, clock.at) == 0


def test_who_follows_by_a_qr_code_of_a_share_has_opened_it(
    jobs_container: NullContainer, session: Session, sharer: Member, at: datetime
) -> None:
    link_of(session, sharer.id, channel=Channel.OFFICIAL_ACCOUNT)
    share = session.scalars(select(ShareToken)).one()
    session.add(
        Scene(appid=OA_APPID, key="sceneOfShare", subject_kind=SCENE_KIND, subject_id=share.id, label="", created_at=at)
    )
    session.flush()
    identity = members.note_follow(
        session, appid=OA_APPID, openid=unused_openid(), unionid=None, scene="sceneOfShare", at=at
    )

    handle_all(jobs_container, session, "identity.followed")

    friend = enrol(session, identity, at=at + timedelta(hours=1))
    handle_all(jobs_container, session, "member.enrolled")
    view = find_referral(session, member_id=friend.id)
    assert view is not None
    assert (view.referrer_id, view.channel) == (sharer.id, Channel.OFFICIAL_ACCOUNT)


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

        view = find_referral(session, member_id=member_id)
        assert view is not None
        assert (view.referrer_id, view.channel) == (sharer.id, Channel.CODE)
        assert find_referral(session, member_id=stranger_id) is None

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
        run_job(jobs_container)
        view = find_referral(session, member_id=member_id)
        assert view is not None
        assert view.state is ReferralState.HELD

        release(session, decision_id=view.decision_id or 0, reason="已核实", actor=ACTOR, at=clock.at)
        handle_all(jobs_container, session, "risk.released")
        handle_all(jobs_container, session, "referral.qualified")

        assert available(session, sharer, clock.at) == 100


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

    def test_of_a_click_farm_pay_nothing(
        self, jobs_container: NullContainer, session: Session, sharer: Member, paying: str, at: datetime
    ) -> None:
        for _ in range(5):
            open_by(session, make_visitor(session), paying, device="farm", ip="10.9.1.1")

        handle_all(jobs_container, session, "share.opened")

        assert available(session, sharer, at) == 0
        assert set(session.scalars(select(ReferralReward.reason))) == {"clicks_of_one_device"}

    def test_wait_for_the_channel_to_be_on_again(
        self, jobs_container: NullContainer, session: Session, sharer: Member, paying: str, at: datetime
    ) -> None:
        open_by(session, make_visitor(session), paying)
        switches.turn_off(session, channel=Channel.MINI_PROGRAM, reason="被投诉", actor=ACTOR, at=at)
        handle_all(jobs_container, session, "share.opened")
        assert run_job(jobs_container)["opened"] == 0

        switches.turn_on(session, channel=Channel.MINI_PROGRAM, reason="已整改", actor=ACTOR, at=at)
        assert [run_job(jobs_container)["opened"] for _ in range(2)] == [1, 0]

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
        run_job(jobs_container)

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


def test_traces_are_forgotten_by_the_nightly_job(
    jobs_container: NullContainer, session: Session, clock: StandingClock
) -> None:
    enrol(session, make_visitor(session), device="d", ip="10.0.0.1")
    clock.advance(days=91)

    done = forget_sightings(PeriodicRun(jobs_container, job="forget_sightings", slot=Slot("night", clock.at.date())))

    assert done == {"traces": 1}
