"""Runs of campaigns: whom they reach, what these are given, and who goes without for which reason."""

from collections import Counter
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from jobs import handlers
from loyalty.campaigns.models import CampaignRun
from loyalty.campaigns.rules.due import due_run
from loyalty.campaigns.rules.holdout import is_held_out
from loyalty.campaigns.rules.terms import (
    Action,
    At,
    BeforeExpiry,
    Birthday,
    Caps,
    GiveCoupon,
    GivePoints,
    PutTag,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Trigger,
)
from loyalty.campaigns.service import life
from loyalty.coupons.rules.terms import Eligibility, MemberLimits
from loyalty.coupons.service import templates
from loyalty.kernel.clock import end_of
from loyalty.kernel.outbox import OutboxEvent
from loyalty.limits.models import LimitCounter
from loyalty.members.models import Member
from loyalty.members.rules.profile import birthday_mark
from loyalty.merging.service import merge
from loyalty.notices.models import InboxMessage, Notice
from loyalty.points.explanations import sentence
from loyalty.points.models import LedgerEntry, Lot, PointsAccount
from loyalty.points.rules.expiry import ExpiryPolicy, PolicyKind
from loyalty.points.service import save_programme_policy, verify
from loyalty.segments.models import MemberPurchaseTotal
from tests.factories.adjustments import work_off
from tests.factories.campaign_runs import coupons_of, entered, entries_of, given_of, outcomes, pass_time, ran, tick
from tests.factories.campaigns import CHECKER, SHANGHAI, campaign_of, make_campaign, tag_with
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import earn
from tests.factories.tags import make_tag, tags_of
from tests.support.containers import NullContainer
from tests.support.events import recorded
from tests.support.settings import SEAL_KEY, VAULT

POINTS = GivePoints(10, 30)
DAILY = Recurring(Repetition.DAILY, time(9))


def made(session: Session, count: int) -> tuple[list[int], int]:
    """Members, and a tag that they have."""
    members = [make_member(session).id for _ in range(count)]
    return members, tag_with(session, *members)


def used(session: Session, campaign_id: int) -> dict[str, int]:
    """What the campaign's totals count."""
    counted = LimitCounter.subject.like(f"campaign\\_%:{campaign_id}")
    sums: Counter[str] = Counter()
    for subject, amount in session.execute(select(LimitCounter.subject, LimitCounter.used).where(counted)):
        sums[subject.split(":")[0].removeprefix("campaign_")] += amount
    return dict(sums)


class TestWhatMembersAreGiven:
    def test_points_coupons_tags_and_a_message_each_once_however_often_it_is_begun(
        self, container: NullContainer, session: Session
    ) -> None:
        members, audience = made(session, 3)
        template_id, tag_id = make_template(session, terms_of(member_limits=MemberLimits(total=1))), make_tag(session)
        message = SendMessage("会员日", "全场八折", ("inbox",))
        actions = (POINTS, GiveCoupon(template_id), PutTag(tag_id), message)

        campaign_id = ran(container, campaign_of(audience, title="三月活动", actions=actions))
        tick(container)

        assert outcomes(session, campaign_id) == dict.fromkeys(members, "done")
        assert coupons_of(session, campaign_id) == {one: ["issued"] for one in members}
        assert all(tag_id in tags_of(session, one) for one in members)
        told = select(InboxMessage.member_id).where(InboxMessage.title == "会员日")
        assert sorted(session.scalars(told)) == members
        assert {(one.points, one.coupons, one.cost_fen) for one in entries_of(session, campaign_id)} == {(10, 1, 2_010)}
        assert used(session, campaign_id) == {"points": 30, "coupons": 3, "fen": 6_030, "members": 3}
        assert verify(session, seal_key=SEAL_KEY, at=container.clock.now()).discrepancies == []

    def test_points_name_the_campaign_and_live_as_it_says(self, container: NullContainer, session: Session) -> None:
        (member_id,), audience = made(session, 1)

        ran(container, campaign_of(audience, title="三月活动", actions=(POINTS,)))

        entry = session.scalars(select(LedgerEntry).where(LedgerEntry.member_id == member_id)).one()
        told = sentence(kind=entry.kind, points=entry.points, explanation=entry.explanation)
        assert told == "参加活动「三月活动」，获得10积分"
        lot = session.scalars(select(Lot).where(Lot.member_id == member_id)).one()
        assert lot.expires_at is not None
        assert lot.expires_at.astimezone(SHANGHAI).date() == date(2026, 4, 10)

    def test_points_without_days_live_as_the_programme_has_it(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        (member_id,), audience = made(session, 1)
        idle = ExpiryPolicy(PolicyKind.SINCE_LAST_ACTIVITY, n=90)
        save_programme_policy(session, policy=idle, actor=CHECKER, at=at)

        ran(container, campaign_of(audience, actions=(GivePoints(10),)))

        lot = session.scalars(select(Lot).where(Lot.member_id == member_id)).one()
        assert (lot.expires_at, lot.idle_days) == (None, 90)

    def test_members_hear_of_coupons_and_points_once(self, container: NullContainer, session: Session) -> None:
        (member_id,), audience = made(session, 1)
        template_id = make_template(session)
        ran(container, campaign_of(audience, actions=(POINTS, GiveCoupon(template_id))))

        (payload,) = recorded(session, "campaign.given")
        for _ in range(2):
            handlers.handle(container, OutboxEvent(id=0, kind="campaign.given", payload=payload, attempts=1))

        kinds = session.scalars(select(Notice.kind).where(Notice.member_id == member_id))
        assert sorted(kinds) == ["coupon_issued", "points_changed"]

    def test_whom_it_reaches_is_asked_for_by_whole_sets(self, container: NullContainer, session: Session) -> None:
        make_campaign(session, campaign_of(made(session, 1)[1]), at=container.clock.now())
        session.execute(text("SET LOCAL enable_nestloop = on"))  # off since it was foreseen, in the same transaction

        entered(container)

        assert session.scalar(text("SHOW enable_nestloop")) == "off"


class TestWhoGoesWithout:
    @pytest.mark.parametrize(
        ("caps", "reason"),
        [
            (Caps(points=25), "points_total"),
            (Caps(coupons=2), "coupons_total"),
            (Caps(fen=5_000), "fen_total"),
            (Caps(members=2), "members_total"),
        ],
    )
    def test_whoever_comes_after_a_cap_is_spent_is_told_which(
        self, container: NullContainer, session: Session, caps: Caps, reason: str
    ) -> None:
        members, audience = made(session, 3)
        terms = campaign_of(audience, actions=(POINTS, GiveCoupon(make_template(session))), caps=caps)

        campaign_id = ran(container, terms)

        assert outcomes(session, campaign_id) == dict(zip(members, ["done", "done", reason], strict=True))
        assert used(session, campaign_id) == {"points": 20, "coupons": 2, "fen": 4_020, "members": 2}

    def test_a_coupon_that_is_refused_lets_its_member_go_without_anything(
        self, container: NullContainer, session: Session
    ) -> None:
        members, audience = made(session, 4)
        wanted = tag_with(session, *members[:3])
        limited = terms_of(eligibility=Eligibility(tags=frozenset({wanted})))
        actions = (POINTS, GiveCoupon(make_template(session, limited, stock=2)))

        campaign_id = ran(container, campaign_of(audience, actions=actions))

        assert outcomes(session, campaign_id) == {
            **dict.fromkeys(members[:2], "done"),
            **dict.fromkeys(members[2:], "coupon_refused"),
        }
        rich = session.scalars(select(PointsAccount.member_id).where(PointsAccount.balance > 0))
        assert set(rich).intersection(members) == set(members[:2])
        assert used(session, campaign_id) == {"points": 20, "coupons": 2, "fen": 4_020, "members": 2}

    def test_a_template_that_issues_nothing_refuses_everybody(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = made(session, 2)
        template_id = make_template(session)
        campaign_id = make_campaign(session, campaign_of(audience, actions=(GiveCoupon(template_id),)), at=at)
        templates.pause(session, template_id=template_id, actor=CHECKER, at=at)

        tick(container)

        assert outcomes(session, campaign_id) == dict.fromkeys(members, "coupon_refused")
        assert used(session, campaign_id) == {}

    def test_whoever_is_held_out_stays_in_the_books_with_nothing(
        self, container: NullContainer, session: Session
    ) -> None:
        members, audience = made(session, 12)

        campaign_id = ran(container, campaign_of(audience, holdout_percent=40))

        assert outcomes(session, campaign_id) == {
            one: "held_out" if is_held_out(campaign_id, one, 40) else "done" for one in members
        }

    def test_a_member_who_was_merged_meanwhile_is_given_once_as_the_survivor(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = made(session, 3)
        stranger = make_member(session).id
        campaign_id = make_campaign(session, campaign_of(audience), at=at)
        entered(container)
        merge(session, survivor_id=members[1], other_id=members[0], actor=CHECKER, at=at)
        merge(session, survivor_id=stranger, other_id=members[2], actor=CHECKER, at=at)

        work_off(container)

        found = entries_of(session, campaign_id)
        assert [(one.state, one.missed, one.owner_id) for one in found] == [
            ("done", None, members[1]),
            ("missed", "member_gone", None),
            ("done", None, stranger),
        ]
        balances = select(PointsAccount.member_id, PointsAccount.balance).where(PointsAccount.balance > 0)
        mine = {one: balance for one, balance in session.execute(balances) if one in {*members, stranger}}
        assert mine == {members[1]: 10, stranger: 10}

    def test_whoever_is_held_out_gets_nothing_by_the_entry_of_a_member_merged_into_them(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = made(session, 24)
        campaign_id = make_campaign(session, campaign_of(audience, holdout_percent=50), at=at)
        entered(container)
        held_out = next(one for one in members if is_held_out(campaign_id, one, 50))
        other = next(one for one in members if not is_held_out(campaign_id, one, 50))
        merge(session, survivor_id=held_out, other_id=other, actor=CHECKER, at=at)

        work_off(container)

        found = outcomes(session, campaign_id)
        assert (found[held_out], found[other]) == ("held_out", "member_gone")


class TestTime:
    def test_a_paused_campaign_gives_nothing_until_it_goes_on(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = made(session, 2)
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
        members, audience = made(session, 2)
        campaign_id = make_campaign(session, campaign_of(audience, ends_at=at + timedelta(hours=1)), at=at)
        entered(container)

        pass_time(container, hours=1)
        tick(container)

        assert outcomes(session, campaign_id) == dict.fromkeys(members, "campaign_over")

    def test_a_scheduled_campaign_begins_at_its_instant(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        _members, audience = made(session, 1)
        campaign_id = ran(container, campaign_of(audience, trigger=At(at + timedelta(minutes=30))))
        assert entries_of(session, campaign_id) == []

        pass_time(container, minutes=30)
        tick(container)

        assert given_of(session, campaign_id) == 1

    def test_a_recurring_one_comes_each_day_as_often_as_a_member_may(
        self, container: NullContainer, session: Session
    ) -> None:
        (member_id,), audience = made(session, 1)
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
        members, audience = made(session, 3)
        for member_id, mark in zip(members, [(3, 14), (3, 15), (3, 20)], strict=True):
            session.get_one(Member, member_id).birthday_index = birthday_mark(VAULT, *mark)
        session.flush()

        campaign_id = self.reached(container, session, audience, Birthday(days_before=3, at=time(9)))

        found = [(one.member_id, one.occurrence) for one in entries_of(session, campaign_id)]
        assert found == [(members[0], "birthday:2026"), (members[1], "birthday:2026")]

    def test_a_sleep_once_until_the_member_has_bought_again(self, container: NullContainer, session: Session) -> None:
        members, audience = made(session, 3)
        for member_id, bought_on in zip(members, [date(2026, 1, 1), date(2026, 3, 9)], strict=False):
            session.add(MemberPurchaseTotal(member_id=member_id, purchases=1, net_fen=1, last_bought_on=bought_on))
        session.flush()

        campaign_id = self.reached(container, session, audience, Sleeping(30, time(9)))

        found = [(one.member_id, one.occurrence) for one in entries_of(session, campaign_id)]
        assert found == [(members[0], "sleep:2026-01-01")]

    def test_points_that_expire_on_the_day_and_no_others(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = made(session, 4)
        last_days = [date(2026, 3, 18), date(2026, 3, 17), date(2026, 3, 30), date(2026, 3, 19)]
        for member_id, last_on, points in zip(members, last_days, [50, 50, 50, 49], strict=True):
            earn(session, member_id, points, expires_at=end_of(last_on, SHANGHAI))

        campaign_id = self.reached(container, session, audience, BeforeExpiry(7, 50, time(9)))

        found = [(one.member_id, one.occurrence) for one in entries_of(session, campaign_id)]
        assert found == [(members[0], "expiry:2026-03-18")]
