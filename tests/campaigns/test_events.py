"""What happens to members sets campaigns off one by one: told twice and late, before a start and in a pause."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from jobs import handlers
from loyalty.campaigns.rules.terms import CampaignEvent, Caps, GivePoints, OnEvent, PutTag
from loyalty.campaigns.service import life
from loyalty.campaigns.service.triggers import note_event
from loyalty.kernel.database import Json
from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.models import Member
from loyalty.tags.service import untag_member
from tests.factories.campaign_runs import entries_of, outcomes, pass_time, tick
from tests.factories.campaigns import CHECKER, SHANGHAI, make_campaign, tag_with
from tests.factories.members import make_identity, make_member
from tests.factories.tags import make_tag
from tests.support.containers import NullContainer
from tests.support.settings import VAULT

POINTS = (GivePoints(10, 30),)


SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
EVENTS: dict[CampaignEvent, tuple[str, Json]] = {
    CampaignEvent.ENROLLED: ("member.enrolled", {}),
    CampaignEvent.COUPON_REDEEMED: ("coupon.redeemed", {"coupon_id": 7}),
    CampaignEvent.TIER_PROMOTED: ("tier.promoted", {"change_id": 3, "to_level": 2}),
    CampaignEvent.FRIEND_QUALIFIED: ("referral.qualified", {"referral_id": 5}),
    CampaignEvent.FOLLOWED: ("identity.followed", {"identity_id": 9}),
}


class TestEvents:
    @pytest.mark.parametrize("event", EVENTS)
    def test_one_that_is_told_twice_counts_once(
        self, container: NullContainer, session: Session, at: datetime, event: CampaignEvent
    ) -> None:
        member_id, campaign_id = following(session, event, at)

        for _ in range(2):
            tell(session, container, event, member_id, recorded_at=at)
        tick(container)

        (entry,) = entries_of(session, campaign_id)
        assert (entry.state, entry.points) == ("done", 0 if event is CampaignEvent.FOLLOWED else 10)

    @pytest.mark.parametrize("event", EVENTS)
    @pytest.mark.parametrize(("since", "entered"), [(-SECOND, 0), (SECOND, 1)])
    def test_one_that_is_told_late_counts_by_when_it_happened(
        self, container: NullContainer, session: Session, at: datetime,
        event: CampaignEvent, since: timedelta, entered: int,
    ) -> None:  # fmt: skip
        member_id, campaign_id = following(session, event, at)
        pass_time(container, days=1)

        tell(session, container, event, member_id, recorded_at=at + since)

        assert len(entries_of(session, campaign_id)) == entered

    @pytest.mark.parametrize(("since", "entered"), [(-SECOND, 0), (SECOND, 1)])
    def test_an_enrolment_that_is_delivered_late_is_told_with_its_time(
        self, container: NullContainer, session: Session, at: datetime, since: timedelta, entered: int
    ) -> None:
        member_id, campaign_id = following(session, CampaignEvent.ENROLLED, at)
        identity = make_identity(session, member=session.get_one(Member, member_id))
        payload = {"member_id": member_id, "identity_id": identity.id, "store_id": None}
        late = OutboxEvent(id=0, kind="member.enrolled", payload=payload, attempts=1, recorded_at=at + since)
        pass_time(container, days=1)

        handlers.handle(container, late)

        assert len(entries_of(session, campaign_id)) == entered

    @pytest.mark.parametrize(
        ("hours", "told_after", "entered"),
        [
            (0.5, 0.5, 1),
            (0.5, 1.5, 1),
            (0.5, 2.5, 1),
            (1.5, 1.5, 0),
            (1.5, 2.5, 0),
            (2.5, 2.5, 1),
            (2.5, 3.5, 1),
            (3.5, 5, 0),
        ],
    )
    def test_one_counts_that_happened_while_the_campaign_ran_and_none_of_a_pause_whenever_it_is_told(
        self, session: Session, at: datetime, hours: float, told_after: float, entered: int
    ) -> None:
        member_id, campaign_id = following(session, CampaignEvent.CHECKED_IN, at)
        acts = {1.0: life.pause, 2.0: life.resume, 3.0: life.pause, 4.0: life.resume}
        for when, act in acts.items():
            if when <= told_after:
                act(session, campaign_id=campaign_id, actor=CHECKER, at=at + when * HOUR)

        occurred_at, told_at = at + hours * HOUR, at + told_after * HOUR
        assert noted(session, CampaignEvent.CHECKED_IN, member_id, told_at, occurred_at=occurred_at) == entered

    def test_one_that_is_told_in_a_pause_that_began_after_it_is_given_when_the_campaign_goes_on(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        member_id, campaign_id = following(session, CampaignEvent.CHECKED_IN, at)
        life.pause(session, campaign_id=campaign_id, actor=CHECKER, at=at + HOUR)
        pass_time(container, hours=2)
        noted(session, CampaignEvent.CHECKED_IN, member_id, container.clock.now(), occurred_at=at)

        tick(container)
        assert outcomes(session, campaign_id) == {member_id: "waiting"}

        life.resume(session, campaign_id=campaign_id, actor=CHECKER, at=container.clock.now())
        tick(container)
        assert outcomes(session, campaign_id) == {member_id: "done"}

    def test_none_counts_that_is_told_after_the_end(self, session: Session, at: datetime) -> None:
        member_id, campaign_id = following(session, CampaignEvent.CHECKED_IN, at)
        life.end(session, campaign_id=campaign_id, actor=CHECKER, at=at + HOUR)

        assert noted(session, CampaignEvent.CHECKED_IN, member_id, at + HOUR, occurred_at=at) == 0

    def test_what_follows_waits_for_its_delay_and_for_whoever_is_still_meant(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        staying, leaving = make_member(session).id, make_member(session).id
        audience = tag_with(session, staying, leaving)
        trigger = OnEvent(CampaignEvent.CHECKED_IN, delay_minutes=60)
        campaign_id = make_campaign(session, at=at, audience_tag=audience, trigger=trigger, actions=POINTS)
        for member_id in (staying, leaving):
            noted(session, CampaignEvent.CHECKED_IN, member_id, at)

        tick(container)
        assert outcomes(session, campaign_id) == {staying: "waiting", leaving: "waiting"}

        untag(session, audience, leaving, at)
        pass_time(container, minutes=60)
        tick(container)
        assert outcomes(session, campaign_id) == {staying: "done", leaving: "not_in_audience"}

    def test_a_delay_counts_from_what_happened_however_late_it_is_told(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        early, late = make_member(session).id, make_member(session).id
        trigger = OnEvent(CampaignEvent.CHECKED_IN, delay_minutes=60)
        started_at = at - timedelta(hours=2)
        campaign_id = make_campaign(
            session, at=started_at, audience_tag=tag_with(session, early, late), trigger=trigger, actions=POINTS
        )
        noted(session, CampaignEvent.CHECKED_IN, early, at, occurred_at=at - timedelta(minutes=61))
        noted(session, CampaignEvent.CHECKED_IN, late, at, occurred_at=at - timedelta(minutes=59))

        tick(container)
        assert outcomes(session, campaign_id) == {early: "done", late: "waiting"}

        pass_time(container, minutes=1)
        tick(container)
        assert outcomes(session, campaign_id) == {early: "done", late: "done"}

    def test_nobody_enters_who_is_not_meant_or_for_what_came_before_the_campaign(
        self, session: Session, at: datetime
    ) -> None:
        meant, stranger = make_member(session).id, make_member(session).id
        trigger = OnEvent(CampaignEvent.CHECKED_IN)
        make_campaign(session, at=at, audience_tag=tag_with(session, meant), trigger=trigger, actions=POINTS)

        assert noted(session, CampaignEvent.CHECKED_IN, stranger, at) == 0
        assert noted(session, CampaignEvent.CHECKED_IN, meant, at, occurred_at=at - timedelta(seconds=1)) == 0
        assert noted(session, CampaignEvent.TIER_PROMOTED, meant, at) == 0
        assert noted(session, CampaignEvent.CHECKED_IN, meant, at) == 1

    def test_a_member_enters_as_often_as_one_may(self, session: Session, at: datetime) -> None:
        member_id = make_member(session).id
        audience, caps = tag_with(session, member_id), Caps(times_a_member=2)
        make_campaign(
            session, at=at, audience_tag=audience, trigger=OnEvent(CampaignEvent.CHECKED_IN), actions=POINTS, caps=caps
        )

        assert [noted(session, CampaignEvent.CHECKED_IN, member_id, at, key=str(key)) for key in range(3)] == [1, 1, 0]


def following(session: Session, event: CampaignEvent, at: datetime) -> tuple[int, int]:
    """A member, and a campaign for them that an event sets off."""
    member_id = make_member(session).id
    actions = (PutTag(make_tag(session)),) if event is CampaignEvent.FOLLOWED else POINTS
    audience = tag_with(session, member_id)
    return member_id, make_campaign(session, at=at, audience_tag=audience, trigger=OnEvent(event), actions=actions)


def tell(
    session: Session, container: NullContainer, event: CampaignEvent, member_id: int, *, recorded_at: datetime
) -> None:
    """Let the campaigns alone hear of an event."""
    kind, facts = EVENTS[event]
    payload = {"member_id": member_id, "referrer_id": member_id, **facts}
    told = OutboxEvent(id=0, kind=kind, payload=payload, recorded_at=recorded_at)
    handlers.FOLLOWED[kind](session, container, told, container.clock.now())


def noted(
    session: Session,
    event: CampaignEvent,
    member_id: int,
    at: datetime,
    *,
    key: str = "1",
    occurred_at: datetime | None = None,
) -> int:
    return note_event(
        session,
        vault=VAULT,
        event=event,
        member_id=member_id,
        key=key,
        occurred_at=occurred_at or at,
        at=at,
        zone=SHANGHAI,
    )


def untag(session: Session, tag_id: int, member_id: int, at: datetime) -> None:
    untag_member(session, tag_id=tag_id, member_id=member_id, actor=CHECKER, at=at)
