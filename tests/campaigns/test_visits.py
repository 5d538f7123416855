"""Members who come through an entrance of a campaign: given it at once, or told why not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.campaigns.rules.entries import EntryState, MissReason
from loyalty.campaigns.rules.holdout import is_held_out
from loyalty.campaigns.rules.limiting import MEMBERS_TOTAL, totals_of
from loyalty.campaigns.rules.taking_part import (
    CampaignCouponHeld,
    CampaignNotByVisit,
    CampaignNotForMember,
    CampaignNotYet,
    CampaignOver,
    CampaignPaused,
    CampaignTakenAlready,
    CampaignUsedUp,
)
from loyalty.campaigns.rules.terms import (
    Caps,
    GiveCoupon,
    GivePoints,
    Now,
    Visit,
)
from loyalty.campaigns.service import life
from loyalty.campaigns.service.triggers import TakenPart, note_late, take_part
from loyalty.coupons.models import Coupon
from loyalty.coupons.rules.terms import Eligibility, MemberLimits
from loyalty.limits.service import give_back
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.service import block
from tests.factories.campaign_runs import entries_of, make_entrance, outcomes
from tests.factories.campaigns import CHECKER, SHANGHAI, campaign_of, make_campaign, tag_with
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.stores import make_store
from tests.support.settings import VAULT

POINTS = (GivePoints(10, 30),)


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

    def test_who_has_as_many_of_the_coupon_as_one_may_is_told_so(self, session: Session, at: datetime) -> None:
        template_id = make_template(session, terms_of(member_limits=MemberLimits(total=1)))
        member_id = make_member(session).id
        issue_to(session, member_id, template_id)

        with pytest.raises(CampaignCouponHeld):
            come_for(session, template_id, member_id, at)

    def test_whom_the_coupon_is_not_for_is_told_so(self, session: Session, at: datetime) -> None:
        member_id = make_member(session).id
        others = tag_with(session, make_member(session).id)
        template_id = make_template(session, terms_of(eligibility=Eligibility(tags=frozenset({others}))))

        with pytest.raises(CampaignNotForMember):
            come_for(session, template_id, member_id, at)

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


def come_for(session: Session, template_id: int, member_id: int, at: datetime) -> TakenPart:
    """Come to a campaign that gives points and a coupon."""
    campaign_id = visited(session, at, member_id, actions=(*POINTS, GiveCoupon(template_id)))
    return come(session, campaign_id, member_id, make_entrance(session, campaign_id, at=at), at)


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


def shun(session: Session, member_id: int, at: datetime) -> None:
    target = Target(BlockKind.MEMBER, str(member_id))
    block(session, vault=VAULT, target=target, reason="刷单", expires_at=None, actor=CHECKER, at=at)
