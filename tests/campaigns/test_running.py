"""Runs of campaigns: what members are given, once, and who goes without for which reason."""

from collections import Counter
from datetime import date, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from jobs import handlers
from loyalty.campaigns.rules.holdout import is_held_out
from loyalty.campaigns.rules.terms import (
    Caps,
    GiveCoupon,
    GivePoints,
    PutTag,
    SendMessage,
)
from loyalty.coupons.rules.terms import Eligibility, MemberLimits
from loyalty.coupons.service import templates
from loyalty.kernel.outbox import OutboxEvent
from loyalty.limits.models import LimitCounter
from loyalty.merging.service import merge
from loyalty.notices.models import InboxMessage, Notice
from loyalty.points.explanations import sentence
from loyalty.points.models import LedgerEntry, Lot, PointsAccount
from loyalty.points.rules.expiry import ExpiryPolicy, PolicyKind
from loyalty.points.service import save_programme_policy, verify
from tests.factories.adjustments import work_off
from tests.factories.campaign_runs import coupons_of, entered, entries_of, outcomes, ran, tick
from tests.factories.campaigns import CHECKER, SHANGHAI, campaign_of, make_campaign, tag_with, tagged_members
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.tags import make_tag, tags_of
from tests.support.containers import NullContainer
from tests.support.events import recorded
from tests.support.settings import SEAL_KEY

POINTS = GivePoints(10, 30)


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
        members, audience = tagged_members(session, 3)
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
        (member_id,), audience = tagged_members(session, 1)

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
        (member_id,), audience = tagged_members(session, 1)
        idle = ExpiryPolicy(PolicyKind.SINCE_LAST_ACTIVITY, n=90)
        save_programme_policy(session, policy=idle, actor=CHECKER, at=at)

        ran(container, campaign_of(audience, actions=(GivePoints(10),)))

        lot = session.scalars(select(Lot).where(Lot.member_id == member_id)).one()
        assert (lot.expires_at, lot.idle_days) == (None, 90)

    def test_members_hear_of_coupons_and_points_once(self, container: NullContainer, session: Session) -> None:
        (member_id,), audience = tagged_members(session, 1)
        template_id = make_template(session)
        ran(container, campaign_of(audience, actions=(POINTS, GiveCoupon(template_id))))

        (payload,) = recorded(session, "campaign.given")
        for _ in range(2):
            handlers.handle(container, OutboxEvent(id=0, kind="campaign.given", payload=payload, attempts=1))

        kinds = session.scalars(select(Notice.kind).where(Notice.member_id == member_id))
        assert sorted(kinds) == ["coupon_issued", "points_changed"]

    def test_whom_it_reaches_is_asked_for_by_whole_sets(self, container: NullContainer, session: Session) -> None:
        make_campaign(session, campaign_of(tagged_members(session, 1)[1]), at=container.clock.now())
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
        members, audience = tagged_members(session, 3)
        terms = campaign_of(audience, actions=(POINTS, GiveCoupon(make_template(session))), caps=caps)

        campaign_id = ran(container, terms)

        assert outcomes(session, campaign_id) == dict(zip(members, ["done", "done", reason], strict=True))
        assert used(session, campaign_id) == {"points": 20, "coupons": 2, "fen": 4_020, "members": 2}

    def test_of_several_caps_the_one_that_bears_the_fewest_is_told(
        self, container: NullContainer, session: Session
    ) -> None:
        _members, audience = tagged_members(session, 6)

        campaign_id = ran(container, campaign_of(audience, caps=Caps(members=4, points=25)))

        assert Counter(outcomes(session, campaign_id).values()) == {"done": 2, "points_total": 4}

    def test_a_coupon_that_is_refused_lets_its_member_go_without_anything(
        self, container: NullContainer, session: Session
    ) -> None:
        members, audience = tagged_members(session, 4)
        wanted = tag_with(session, *members[:3])
        limited = terms_of(eligibility=Eligibility(tags=frozenset({wanted})))
        actions = (POINTS, GiveCoupon(make_template(session, limited, stock=2)))

        campaign_id = ran(container, campaign_of(audience, actions=actions))

        assert outcomes(session, campaign_id) == {
            **dict.fromkeys(members[:2], "done"),
            members[2]: "coupon_stock",
            members[3]: "coupon_not_for_member",
        }
        rich = session.scalars(select(PointsAccount.member_id).where(PointsAccount.balance > 0))
        assert set(rich).intersection(members) == set(members[:2])
        assert used(session, campaign_id) == {"points": 20, "coupons": 2, "fen": 4_020, "members": 2}

    def test_a_template_that_issues_nothing_refuses_everybody(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = tagged_members(session, 2)
        template_id = make_template(session)
        campaign_id = make_campaign(session, campaign_of(audience, actions=(GiveCoupon(template_id),)), at=at)
        templates.pause(session, template_id=template_id, actor=CHECKER, at=at)

        tick(container)

        assert outcomes(session, campaign_id) == dict.fromkeys(members, "coupon_refused")
        assert used(session, campaign_id) == {}

    def test_whoever_is_held_out_stays_in_the_books_with_nothing(
        self, container: NullContainer, session: Session
    ) -> None:
        members, audience = tagged_members(session, 12)

        campaign_id = ran(container, campaign_of(audience, holdout_percent=40))

        assert outcomes(session, campaign_id) == {
            one: "held_out" if is_held_out(campaign_id, one, 40) else "done" for one in members
        }

    def test_a_member_who_was_merged_meanwhile_is_given_once_as_the_survivor(
        self, container: NullContainer, session: Session, at: datetime
    ) -> None:
        members, audience = tagged_members(session, 3)
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
        members, audience = tagged_members(session, 24)
        campaign_id = make_campaign(session, campaign_of(audience, holdout_percent=50), at=at)
        entered(container)
        held_out = next(one for one in members if is_held_out(campaign_id, one, 50))
        other = next(one for one in members if not is_held_out(campaign_id, one, 50))
        merge(session, survivor_id=held_out, other_id=other, actor=CHECKER, at=at)

        work_off(container)

        found = outcomes(session, campaign_id)
        assert (found[held_out], found[other]) == ("held_out", "member_gone")
