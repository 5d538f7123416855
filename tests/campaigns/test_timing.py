"""When campaigns run: at their instants, not in a pause or after the end, and whom the triggers of a day reach."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Broadcast
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.service.sorting import sort_page
from loyalty.campaigns.models import Campaign, CampaignRun
from loyalty.campaigns.rules.due import due_run
from loyalty.campaigns.rules.terms import (
    Action,
    At,
    BeforeExpiry,
    Birthday,
    CampaignState,
    Caps,
    GivePoints,
    Now,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Trigger,
)
from loyalty.campaigns.service import life
from loyalty.kernel.clock import end_of
from loyalty.kernel.transaction import run
from loyalty.members.models import Member
from loyalty.members.rules.profile import birthday_mark
from loyalty.segments.models import MemberPurchaseTotal
from tests.factories.campaign_runs import entered, entries_of, given_of, outcomes, pass_time, ran, tick
from tests.factories.campaigns import CHECKER, SHANGHAI, campaign_of, make_campaign, tagged_members
from tests.factories.points import earn
from tests.factories.tags import make_tag
from tests.support.containers import NullContainer
from tests.support.settings import VAULT

POINTS = GivePoints(10, 30)
AT = datetime(2026, 3, 10, 2, tzinfo=UTC)
DAILY = Recurring(Repetition.DAILY, time(9))


def ended(session: Session, campaign_id: int) -> bool:
    state = session.scalars(select(Campaign.state).where(Campaign.id == campaign_id)).one()
    return CampaignState(state) is CampaignState.ENDED


class TestTheEndOfWhatGoesOutOnce:
    @pytest.mark.parametrize("trigger", [Now(), At(AT)])
    def test_comes_when_all_have_been_given_what_is_theirs(
        self, container: NullContainer, session: Session, at: datetime, trigger: Trigger
    ) -> None:
        _members, audience = tagged_members(session, 2)
        campaign_id = make_campaign(session, campaign_of(audience, trigger=trigger), at=at - timedelta(days=1))
        entered(container)
        assert not ended(session, campaign_id)

        tick(container)
        tick(container)

        assert (ended(session, campaign_id), given_of(session, campaign_id)) == (True, 2)

    def test_comes_where_nobody_was_reached(self, container: NullContainer, session: Session) -> None:
        campaign_id = ran(container, campaign_of(make_tag(session)))

        tick(container)

        assert ended(session, campaign_id)

    def test_waits_for_its_messages(self, container: NullContainer, session: Session, at: datetime) -> None:
        _members, audience = tagged_members(session, 1)
        message = SendMessage("会员日", "全场八折", ("subscription", "inbox"))
        campaign_id = ran(container, campaign_of(audience, actions=(POINTS, message)))
        broadcast_id = session.scalars(select(Broadcast.id)).one()

        tick(container)
        assert not ended(session, campaign_id)

        ways = (Channel.SUBSCRIPTION, Channel.INBOX)
        run(container.database, lambda session: sort_page(session, broadcast_id=broadcast_id, channels=ways, at=at))
        tick(container)
        assert ended(session, campaign_id)

    def test_does_not_come_in_a_pause(self, container: NullContainer, session: Session, at: datetime) -> None:
        _members, audience = tagged_members(session, 1)
        campaign_id = ran(container, campaign_of(audience))
        life.pause(session, campaign_id=campaign_id, actor=CHECKER, at=at)

        tick(container)
        assert not ended(session, campaign_id)

        life.resume(session, campaign_id=campaign_id, actor=CHECKER, at=at)
        tick(container)
        assert ended(session, campaign_id)

    def test_never_comes_to_one_that_goes_out_again(self, container: NullContainer, session: Session) -> None:
        _members, audience = tagged_members(session, 1)
        campaign_id = ran(container, campaign_of(audience, trigger=DAILY))

        for _day in range(2):
            pass_time(container, days=1)
            tick(container)

        assert not ended(session, campaign_id)


class TestTime:
    def test_a_paused_campaign_gives_nothing_until_it_goes_on(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = tagged_members(session, 2)
        campaign_id = make_campaign(session, campaign_of(audience), at=at)
        entered(container)
        life.pause(session, campaign_id=campaign_id, actor=CHECKER, at=at)

        tick(container)
        assert outcomes(session, campaign_id) == dict.fromkeys(members, "waiting")

        life.resume(session, campaign_id=campaign_id, actor=CHECKER, at=at)
        tick(container)
        assert outcomes(session, campaign_id) == dict.fromkeys(members, "done")

    def test_what_still_waits_when_it_ends_is_missed(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = tagged_members(session, 2)
        campaign_id = make_campaign(session, campaign_of(audience, ends_at=at + timedelta(hours=1)), at=at)
        entered(container)

        pass_time(container, hours=1)
        tick(container)

        assert outcomes(session, campaign_id) == dict.fromkeys(members, "campaign_over")

    def test_a_scheduled_campaign_begins_at_its_instant(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        _members, audience = tagged_members(session, 1)
        campaign_id = ran(container, campaign_of(audience, trigger=At(at + timedelta(minutes=30))))
        assert entries_of(session, campaign_id) == []

        pass_time(container, minutes=30)
        tick(container)

        assert given_of(session, campaign_id) == 1

    def test_a_recurring_one_comes_each_day_as_often_as_a_member_may(
        self, container: NullContainer, session: Session
    ) -> None:
        (member_id,), audience = tagged_members(session, 1)
        campaign_id = ran(container, campaign_of(audience, trigger=DAILY, caps=Caps(times_a_member=2, members=1)))

        for _day in range(4):
            pass_time(container, days=1)
            tick(container)
            tick(container)

        found = [(one.member_id, one.occurrence, one.state) for one in entries_of(session, campaign_id)]
        assert found == [(member_id, "2026-03-11", "done"), (member_id, "2026-03-12", "done")]
        runs = session.scalars(select(CampaignRun.occurrence).where(CampaignRun.campaign_id == campaign_id))
        assert sorted(runs) == ["2026-03-11", "2026-03-12", "2026-03-13", "2026-03-14"]

    @pytest.mark.parametrize(
        ("trigger", "hours", "due"),
        [
            (DAILY, 9.0, "2026-03-10"),
            (DAILY, 8.9, None),
            (Recurring(Repetition.WEEKLY, time(9), frozenset({3})), 12.0, None),
            (Recurring(Repetition.WEEKLY, time(9), frozenset({2})), 12.0, "2026-03-10"),
            (Recurring(Repetition.MONTHLY, time(9), frozenset({10, 31})), 23.0, "2026-03-10"),
            (Sleeping(30, time(10)), 9.0, None),
            (Birthday(at=time(9)), 9.5, "2026-03-10"),
        ],
    )
    def test_only_the_run_of_the_day_is_due_and_never_one_before_the_campaign(
        self, trigger: Trigger, hours: float, due: str | None
    ) -> None:
        midnight = datetime(2026, 3, 10, tzinfo=SHANGHAI)
        at, late = midnight + timedelta(hours=hours), midnight + timedelta(hours=hours, minutes=-1)

        found = due_run(trigger, started_at=midnight, at=at, zone=SHANGHAI)
        assert (found.occurrence if found else None) == due

        assert hours == 9.0 or due_run(trigger, started_at=late, at=at, zone=SHANGHAI) is None


class TestWhomDailyTriggersReach:
    def reached(
        self, container: NullContainer, session: Session, audience: int, trigger: Trigger, action: Action = POINTS
    ) -> int:
        campaign_id = ran(
            container, campaign_of(audience, trigger=trigger, actions=(action,), caps=Caps(times_a_member=9))
        )
        for _day in range(2):
            pass_time(container, days=1)
            tick(container)
        return campaign_id

    def test_a_birthday_once_in_its_year(self, container: NullContainer, session: Session) -> None:
        members, audience = tagged_members(session, 3)
        for member_id, mark in zip(members, [(3, 14), (3, 15), (3, 20)], strict=True):
            session.get_one(Member, member_id).birthday_index = birthday_mark(VAULT, *mark)
        session.flush()

        campaign_id = self.reached(container, session, audience, Birthday(days_before=3, at=time(9)))

        found = [(one.member_id, one.occurrence) for one in entries_of(session, campaign_id)]
        assert found == [(members[0], "birthday:2026"), (members[1], "birthday:2026")]

    def test_a_sleep_once_until_the_member_has_bought_again(self, container: NullContainer, session: Session) -> None:
        members, audience = tagged_members(session, 3)
        for member_id, bought_on in zip(members, [date(2026, 1, 1), date(2026, 3, 9)], strict=False):
            session.add(MemberPurchaseTotal(member_id=member_id, purchases=1, net_fen=1, last_bought_on=bought_on))
        session.flush()

        campaign_id = self.reached(container, session, audience, Sleeping(30, time(9)))

        found = [(one.member_id, one.occurrence) for one in entries_of(session, campaign_id)]
        assert found == [(members[0], "sleep:2026-01-01")]

    def test_points_that_expire_on_the_day_and_no_others(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = tagged_members(session, 4)
        last_days = [date(2026, 3, 18), date(2026, 3, 17), date(2026, 3, 30), date(2026, 3, 19)]
        for member_id, last_on, points in zip(members, last_days, [50, 50, 50, 49], strict=True):
            earn(session, member_id, points, expires_at=end_of(last_on, SHANGHAI))

        campaign_id = self.reached(container, session, audience, BeforeExpiry(7, 50, time(9)))

        found = [(one.member_id, one.occurrence) for one in entries_of(session, campaign_id)]
        assert found == [(members[0], "expiry:2026-03-18")]
