"""What members set off one by one: events, told twice and late, and visits through an entrance."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from jobs import campaigns
from loyalty.campaigns.rules.entries import EntryState, MissReason
from loyalty.campaigns.rules.holdout import is_held_out
from loyalty.campaigns.rules.limiting import MEMBERS_TOTAL, totals_of
from loyalty.campaigns.rules.taking_part import (
    CampaignNotByVisit,
    CampaignNotForMember,
    CampaignNotYet,
    CampaignOver,
    CampaignPaused,
    CampaignTakenAlready,
    CampaignUsedUp,
)
from loyalty.campaigns.rules.terms import (
    CampaignEvent,
    Caps,
    GiveCoupon,
    GivePoints,
    Now,
    OnEvent,
    Visit,
)
from loyalty.campaigns.service import life
from loyalty.campaigns.service.triggers import TakenPart, note_event, note_late, take_part
from loyalty.coupons.models import Coupon
from loyalty.limits.service import give_back
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.service import block
from loyalty.tags.service import untag_member
from tests.factories.campaign_runs import entries_of, make_entrance, outcomes, pass_time, tick
from tests.factories.campaigns import CHECKER, SHANGHAI, campaign_of, make_campaign, tag_with
from tests.factories.coupons import make_template
from tests.factories.members import make_member
from tests.factories.stores import make_store
from tests.support.containers import NullContainer
from tests.support.settings import VAULT

POINTS = (GivePoints(10, 30),)


class TestEvents:
    @pytest.mark.parametrize(
        ("event", "kind", "payload"),
        [
            (CampaignEvent.ENROLLED, "member.enrolled", {"identity_id": 0, "store_id": None}),
            (CampaignEvent.COUPON_REDEEMED, "coupon.redeemed", {"coupon_id": 7, "bonus_points": 0}),
            (CampaignEvent.TIER_PROMOTED, "tier.promoted", {"change_id": 3, "to_level": 2}),
        ],
    )
    def test_one_that_is_told_twice_counts_once(
        self, container: NullContainer, session: Session, at: datetime,
        event: CampaignEvent, kind: str, payload: dict[str, Any],
    ) -> None:  # fmt: skip
        member_id = make_member(session).id
        campaign_id = make_campaign(
            session, at=at, audience_tag=tag_with(session, member_id), trigger=OnEvent(event), actions=POINTS
        )
        handler = {
            "member.enrolled": campaigns.note_enrolment,
            "coupon.redeemed": campaigns.note_redemption,
            "tier.promoted": campaigns.note_promotion,
        }[kind]

        for _ in range(2):
            handler(session, container, {"member_id": member_id, **payload}, at)
        tick(container)

        (entry,) = entries_of(session, campaign_id)
        assert (entry.state, entry.points) == ("done", 10)

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


class TestVisits:
    def test_a_member_who_comes_gets_it_at_once_by_the_store_of_the_entrance(
        self, session: Session, at: datetime
    ) -> None:
        member_id, store_id = make_member(session).id, make_store(session).id
        campaign_id = visited(session, at, member_id, actions=(*POINTS, GiveCoupon(make_template(session))))
        entrance_id = make_entrance(session, campaign_id, store_id=store_id, at=at)

        taken = come(session, campaign_id, member_id, entrance_id, at)

        coupon = session.get_one(Coupon, taken.coupon_ids[0])
        assert (taken.state, taken.points, coupon.member_id, coupon.store_id) == (
            EntryState.DONE,
            10,
            member_id,
            store_id,
        )
        (entry,) = entries_of(session, campaign_id)
        assert (entry.occurrence, entry.store_id, entry.entrance_id) == ("visit:2026-03-10", store_id, entrance_id)

    def test_once_a_day_and_as_often_as_one_may(self, session: Session, at: datetime) -> None:
        member_id = make_member(session).id
        campaign_id = visited(session, at, member_id, caps=Caps(times_a_member=2))
        entrance_id = make_entrance(session, campaign_id, at=at)
        day = timedelta(days=1)

        def comes(when: datetime) -> None:
            come(session, campaign_id, member_id, entrance_id, when)

        comes(at)
        with pytest.raises(CampaignTakenAlready):
            comes(at + timedelta(hours=1))
        comes(at + day)
        with pytest.raises(CampaignTakenAlready):
            comes(at + 2 * day)

    def test_whoever_is_held_out_gets_nothing_and_is_counted(self, session: Session, at: datetime) -> None:
        members = [make_member(session).id for _ in range(12)]
        campaign_id = visited(session, at, *members, holdout_percent=50)
        entrance_id = make_entrance(session, campaign_id, at=at)

        taken = {one: come(session, campaign_id, one, entrance_id, at) for one in members}

        expected = {one: "held_out" if is_held_out(campaign_id, one, 50) else "done" for one in members}
        assert {one: part.state.value for one, part in taken.items()} == expected == outcomes(session, campaign_id)

    @pytest.mark.parametrize("caps", [Caps(points=10), Caps(members=1)])
    def test_the_one_after_the_last_is_told_that_it_is_used_up(
        self, session: Session, at: datetime, caps: Caps
    ) -> None:
        members = [make_member(session).id for _ in range(2)]
        campaign_id = visited(session, at, *members, caps=caps)
        entrance_id = make_entrance(session, campaign_id, at=at)

        come(session, campaign_id, members[0], entrance_id, at)
        with pytest.raises(CampaignUsedUp):
            come(session, campaign_id, members[1], entrance_id, at)

    def test_who_came_too_late_stays_in_the_books_as_whoever_is_held_out_does(
        self, session: Session, at: datetime
    ) -> None:
        members = [make_member(session).id for _ in range(9)]
        campaign_id = visited(session, at, *members, caps=Caps(members=1), holdout_percent=50)
        entrance_id = make_entrance(session, campaign_id, at=at)
        first = next(one for one in members if not is_held_out(campaign_id, one, 50))
        come(session, campaign_id, first, entrance_id, at)

        for member_id in members:
            come_late(session, campaign_id, member_id, entrance_id, at)

        treated = {one: "done" if one == first else "members_total" for one in members}
        assert outcomes(session, campaign_id) == {
            one: "held_out" if is_held_out(campaign_id, one, 50) else treated[one] for one in members
        }
        assert {one.entrance_id for one in entries_of(session, campaign_id)} == {entrance_id}

    def test_who_came_too_late_is_given_it_the_same_day_once_there_is_more(
        self, session: Session, at: datetime
    ) -> None:
        first, late = (make_member(session).id for _ in range(2))
        campaign_id = visited(session, at, first, late, caps=Caps(members=1))
        entrance_id = make_entrance(session, campaign_id, at=at)
        come(session, campaign_id, first, entrance_id, at)
        come_late(session, campaign_id, late, entrance_id, at)
        with pytest.raises(CampaignUsedUp), session.begin_nested():
            come(session, campaign_id, late, entrance_id, at)
        give_back(session, limits=[totals_of(Caps(members=1), campaign_id=campaign_id)[MEMBERS_TOTAL]], amount=1)
        hour = timedelta(hours=1)

        assert come(session, campaign_id, late, entrance_id, at + hour).points == 10

        (entry,) = [one for one in entries_of(session, campaign_id) if one.member_id == late]
        assert (entry.state, entry.missed, entry.entered_at, entry.done_at) == ("done", None, at, at + hour)
        with pytest.raises(CampaignTakenAlready):
            come(session, campaign_id, late, entrance_id, at + hour)

    def test_who_comes_too_late_every_day_is_looked_at_no_longer_than_the_held_out(
        self, session: Session, at: datetime
    ) -> None:
        member_id = make_member(session).id
        campaign_id = visited(session, at, member_id, caps=Caps(times_a_member=2))
        entrance_id = make_entrance(session, campaign_id, at=at)

        for day in range(4):
            come_late(session, campaign_id, member_id, entrance_id, at + timedelta(days=day))

        assert len(entries_of(session, campaign_id)) == 2

    def test_who_is_refused_is_told_why(self, session: Session, at: datetime) -> None:
        meant, stranger, blocked = (make_member(session).id for _ in range(3))
        shun(session, blocked, at)
        campaign_id = visited(session, at, meant, blocked, ends_at=at + timedelta(hours=2))
        other_id = make_campaign(session, at=at, audience_tag=tag_with(session, meant), trigger=Now())
        entrance_id = make_entrance(session, campaign_id, at=at)

        def refused(why: type[Exception], member_id: int, of: int = campaign_id, when: datetime = at) -> None:
            with pytest.raises(why), session.begin_nested():
                come(session, of, member_id, entrance_id, when)

        refused(CampaignNotForMember, stranger)
        refused(CampaignNotForMember, blocked)
        refused(CampaignNotByVisit, meant, other_id)
        refused(CampaignOver, meant, when=at + timedelta(hours=2))
        life.pause(session, campaign_id=campaign_id, actor=CHECKER, at=at)
        refused(CampaignPaused, meant)
        life.end(session, campaign_id=campaign_id, actor=CHECKER, at=at)
        refused(CampaignOver, meant)
        later = visited(session, at, meant, starts_at=at + timedelta(hours=1))
        refused(CampaignNotYet, meant, later)


def visited(session: Session, at: datetime, *members: int, **changes: Any) -> int:
    """A campaign that members come to by an entrance."""
    values = {"trigger": Visit(), "actions": POINTS, **changes}
    return make_campaign(session, campaign_of(tag_with(session, *members), **values), at=at)


def come(session: Session, campaign_id: int, member_id: int, entrance_id: int, at: datetime) -> TakenPart:
    return take_part(
        session,
        vault=VAULT,
        campaign_id=campaign_id,
        member_id=member_id,
        entrance_id=entrance_id,
        at=at,
        zone=SHANGHAI,
    )


def come_late(session: Session, campaign_id: int, member_id: int, entrance_id: int, at: datetime) -> None:
    """Come as through a door that was refused because nothing was left."""
    note_late(
        session,
        vault=VAULT,
        campaign_id=campaign_id,
        member_id=member_id,
        entrance_id=entrance_id,
        reason=MissReason.MEMBERS_TOTAL,
        at=at,
        zone=SHANGHAI,
    )


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


def shun(session: Session, member_id: int, at: datetime) -> None:
    target = Target(BlockKind.MEMBER, str(member_id))
    block(session, vault=VAULT, target=target, reason="刷单", expires_at=None, actor=CHECKER, at=at)


def untag(session: Session, tag_id: int, member_id: int, at: datetime) -> None:
    untag_member(session, tag_id=tag_id, member_id=member_id, actor=CHECKER, at=at)
