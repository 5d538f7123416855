"""What other modules tell of counts for missions, each event twice without harm."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from jobs.referrals import settle_referrals
from loyalty.check_ins.cards import grant_cards
from loyalty.check_ins.making_up import make_up, save_rules
from loyalty.check_ins.rules import MakeUpRules
from loyalty.container import Container
from loyalty.gateways.answers import RiskRank
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database, Json
from loyalty.members.models import Member
from loyalty.missions.rules.terms import Measure, MissionEvent
from loyalty.points.queries import summary
from loyalty.referrals.models import Referral
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service.switches import turn_off, turn_on
from loyalty.risk.queries.decisions import list_decisions
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.risk.service import note_sighting, release, reverse
from tests.factories.check_ins import SHANGHAI, check_in_on, make_plan, noon_of
from tests.factories.checkout import buy, give_back
from tests.factories.members import LONG_AGO, make_identity, make_member
from tests.factories.missions import ACTOR, do, make_mission, mission_of, progress_of, steps
from tests.factories.orders import make_purchase, make_refund
from tests.factories.points import balance_of
from tests.factories.referrals import invite, publish, referral_of
from tests.support.containers import NullContainer, StandingClock
from tests.support.handling import handle_all, handle_twice, perform
from tests.support.settings import VAULT

TODAY = date(2026, 3, 10)
DAY = timedelta(days=1)


def deliver(container: Container, session: Session, *kinds: str) -> None:
    """Handle what was recorded of some kinds out of order, each event twice."""
    handle_all(container, session, *kinds, is_last_first=True)


def available(session: Session, member: Member, clock: StandingClock) -> int:
    return summary(session, member_id=member.id, at=clock.at).available


def enrolment(session: Session, member: Member, _at: datetime) -> Json:
    return {"member_id": member.id, "identity_id": make_identity(session, member=member).id, "store_id": None}


@pytest.mark.parametrize(
    ("event", "kind", "payload_of"),
    [
        (MissionEvent.PHONE_BOUND, "member.enrolled", enrolment),
        (
            MissionEvent.PROFILE_COMPLETED,
            "member.profile_completed",
            lambda _session, member, at: {"member_id": member.id, "completed_at": at.isoformat()},
        ),
        (
            MissionEvent.REVIEW,
            "partner.event_reported",
            lambda _session, member, at: {
                "member_id": member.id, "store_id": None, "kind": "review", "reference": "partner:1:e1",
                "occurred_at": at.isoformat(),
            },
        ),
        (
            MissionEvent.CUSTOM,
            "partner.event_reported",
            lambda _session, member, at: {
                "member_id": member.id, "store_id": None, "kind": "class_attended", "reference": "partner:1:e2",
                "occurred_at": at.isoformat(),
            },
        ),
    ],
    ids=["phone", "profile", "review", "custom"],
)  # fmt: skip
def test_an_event_told_twice_counts_once(
    jobs_container: Container,
    session: Session,
    at: datetime,
    event: MissionEvent,
    kind: str,
    payload_of: Callable[[Session, Member, datetime], Json],
) -> None:
    member = make_member(session, enrolled_at=at)
    custom_kind = "class_attended" if event is MissionEvent.CUSTOM else None
    target = 1 if event in (MissionEvent.PHONE_BOUND, MissionEvent.PROFILE_COMPLETED) else 9
    terms = mission_of(event=event, custom_kind=custom_kind, steps=steps((target, 5)))
    mission_id = make_mission(session, terms)
    payload = payload_of(session, member, at)

    handle_twice(jobs_container, kind, payload)

    assert progress_of(session, member.id, mission_id, at) == 1


class TestAnInvitation:
    """A mission of two friends for 7 points, beside a programme that pays 100 for each."""

    @pytest.fixture
    def sharer(self, session: Session, at: datetime) -> Member:
        publish(session, at=at)
        make_mission(session, event=MissionEvent.INVITED_FRIEND, steps=steps((2, 7)))
        return make_member(session)

    @pytest.fixture
    def friends(self, session: Session, sharer: Member, clock: StandingClock) -> list[Referral]:
        friends = [referral_of(session, invite(session, sharer).id) for _ in range(2)]
        clock.advance(hours=25)
        return friends

    def pay(self, container: Container, session: Session) -> None:
        perform(container, settle_referrals)
        deliver(container, session, "referral.qualified")

    @pytest.mark.usefixtures("friends")
    def test_counts_once_when_it_is_rewarded(
        self, jobs_container: NullContainer, session: Session, sharer: Member, clock: StandingClock
    ) -> None:
        self.pay(jobs_container, session)
        deliver(jobs_container, session, "referral.rewarded")

        assert available(session, sharer, clock) == 200 + 7

    @pytest.mark.usefixtures("friends")
    def test_waits_while_its_channel_is_off(
        self, jobs_container: NullContainer, session: Session, sharer: Member, clock: StandingClock
    ) -> None:
        turn_off(session, channel=Channel.MINI_PROGRAM, reason="微信警告", actor=ACTOR, at=clock.at)
        self.pay(jobs_container, session)
        deliver(jobs_container, session, "referral.rewarded")
        assert available(session, sharer, clock) == 0

        turn_on(session, channel=Channel.MINI_PROGRAM, reason="已解除", actor=ACTOR, at=clock.at)
        self.pay(jobs_container, session)
        deliver(jobs_container, session, "referral.rewarded")

        assert available(session, sharer, clock) == 200 + 7

    @pytest.mark.parametrize("is_counted", [True, False], ids=["after it was counted", "before it was counted"])
    def test_that_a_person_reverses_takes_its_count_and_the_reward_back(
        self, jobs_container: NullContainer, session: Session, friends: list[Referral], sharer: Member,
        clock: StandingClock, is_counted: bool,
    ) -> None:  # fmt: skip
        self.pay(jobs_container, session)
        deliver(jobs_container, session, *(["referral.rewarded"] if is_counted else []))
        assert available(session, sharer, clock) == (200 + 7 if is_counted else 200)
        decision_id = referral_of(session, friends[0].member_id).decision_id
        assert decision_id is not None
        reverse(session, decision_id=decision_id, reason="作弊", actor=ACTOR, at=clock.at)

        deliver(jobs_container, session, "risk.reversed", "referral.reversed", "referral.rewarded")

        assert available(session, sharer, clock) == 100


def test_a_reward_that_a_person_lets_go_is_paid_and_one_that_is_reversed_taken_back(
    jobs_container: NullContainer, session: Session, at: datetime
) -> None:
    member_id = make_member(session).id
    make_mission(session)
    subject = Subject(member_id, wechat_rank=RiskRank.HIGH)
    note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=subject, at=at)
    do(session, member_id, at)
    (decision,) = list_decisions(session, occasion=Occasion.MISSION).items
    balances = [balance_of(session, member_id)]

    for settle, kind in ((release, "risk.released"), (reverse, "risk.reversed")):
        settle(session, decision_id=decision.id, reason="人工", actor=ACTOR, at=at)
        deliver(jobs_container, session, kind)
        balances.append(balance_of(session, member_id))

    assert balances == [0, 10, 0]


def test_check_ins_count_by_their_days_and_days_made_up_heal_streaks_only(
    jobs_container: Container, database: Database, session: Session
) -> None:
    make_plan(session)
    save_rules(session, rules=MakeUpRules(5, 5), actor=Actor("system:tests"), at=LONG_AGO)
    member_id = make_member(session).id
    grant_cards(session, member_id=member_id, cards=1, reference="test", at=LONG_AGO)
    by_measure = {
        measure: make_mission(session, event=MissionEvent.CHECK_IN, measure=measure, steps=steps((9, 5)))
        for measure in (Measure.TIMES, Measure.DAYS, Measure.STREAK)
    }
    for on in (TODAY - 2 * DAY, TODAY):
        check_in_on(database, member_id, on)
    make_up(session, member_id=member_id, on=TODAY - DAY, key="made-up-1", zone=SHANGHAI, at=noon_of(TODAY))

    deliver(jobs_container, session, "check_in.made_up", "check_in.recorded")

    done = {
        measure: progress_of(session, member_id, mission_id, noon_of(TODAY))
        for measure, mission_id in by_measure.items()
    }
    assert done == {Measure.TIMES: 2, Measure.DAYS: 2, Measure.STREAK: 3}


def test_purchases_count_and_refunds_take_back_in_whatever_order_they_are_told(
    jobs_container: Container, session: Session, at: datetime
) -> None:
    member_id = make_member(session).id
    mission_id = make_mission(session, event=MissionEvent.PURCHASE, steps=steps((9, 5)))
    kept, returned, early = (make_purchase(member_id) for _ in range(3))
    give_back(session, make_refund(early.order_number))
    for purchase in (kept, returned, early):
        buy(session, purchase)
    give_back(session, make_refund(returned.order_number))

    deliver(jobs_container, session, "order.refunded", "order.recorded")

    assert progress_of(session, member_id, mission_id, at) == 1
