"""The forecast against counting by hand: whom it reaches, what it gives and costs, with whom it overlaps."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.broadcasts.rules.channels import Channel
from loyalty.campaigns.queries.forecast import Forecast, forecast, times_at_most
from loyalty.campaigns.queries.overlap import AUDIENCES_AT_ONCE, overlap
from loyalty.campaigns.rules.costs import points_fen
from loyalty.campaigns.rules.errors import InvalidCampaign
from loyalty.campaigns.rules.holdout import is_held_out
from loyalty.campaigns.rules.terms import (
    At,
    BeforeExpiry,
    Birthday,
    CampaignEvent,
    Caps,
    GiveCoupon,
    GivePoints,
    Now,
    OnEvent,
    PutTag,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Terms,
    Visit,
)
from loyalty.campaigns.service.life import end, pause
from loyalty.coupons.rules.terms import CashOff, Gift, PercentOff
from loyalty.segments.matching import members_matching
from loyalty.segments.rules.conditions import EVERYBODY, All
from loyalty.segments.rules.fact_types import Tags
from tests.factories.campaign_runs import put_in_force, ran
from tests.factories.campaigns import (
    CHECKER,
    SHANGHAI,
    campaign_of,
    draft_campaign,
    make_campaign,
    tag_with,
    tagged_members,
)
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.segments import Bought, Lot, Person, write_person
from tests.factories.tags import make_tag
from tests.support.containers import NullContainer
from tests.support.settings import VAULT
from tests.support.statements import StatementCounter

AT = datetime(2026, 3, 10, 2, tzinfo=UTC)
DAY = timedelta(days=1)
MESSAGE = SendMessage("周年庆", "全场第二杯半价，退订请到消息设置。", ("subscription", "customer"))


def foresee(session: Session, terms: Terms, campaign_id: int | None = None) -> Forecast:
    return forecast(session, terms, at=AT, zone=SHANGHAI, vault=VAULT, campaign_id=campaign_id)


class TestWhomItCounts:
    def test_is_the_audience_less_the_holdout_of_this_very_campaign(self, session: Session) -> None:
        member_ids, tag_id = tagged_members(session, 60)
        terms = campaign_of(tag_id, holdout_percent=20)
        campaign_id = draft_campaign(session, terms, at=AT)

        found = foresee(session, terms, campaign_id)

        held_out = [one for one in member_ids if is_held_out(campaign_id, one, 20)]
        assert held_out
        assert (found.audience, found.held_out) == (60, len(held_out))
        assert (found.given.members, found.given.points) == (60 - len(held_out), 10 * (60 - len(held_out)))

    def test_is_asked_for_by_whole_sets(self, session: Session) -> None:
        foresee(session, campaign_of(tagged_members(session, 1)[1]))

        settings = ("enable_nestloop", "enable_hashjoin", "jit")
        assert [session.scalar(text(f"SHOW {one}")) for one in settings] == ["off"] * 3

    @pytest.mark.parametrize(
        ("trigger", "person"),
        [
            (Birthday(), Person(birthday=(5, 1))),
            (Sleeping(30), Person(bought=(Bought(40),))),
            (BeforeExpiry(7, 100), Person(lots=(Lot(100, last_in=5),))),
            (OnEvent(CampaignEvent.ENROLLED), Person(enrolled_ago=3)),
            (OnEvent(CampaignEvent.PURCHASED), Person(bought=(Bought(3),))),
        ],
    )
    def test_are_those_of_the_audience_whom_the_trigger_finds_too(
        self, session: Session, trigger: Any, person: Person
    ) -> None:
        strangers = [write_person(session, one, at=AT, zone=SHANGHAI, vault=VAULT) for one in (person, Person())]
        tag_id = tag_with(session, *(one.id for one in strangers))

        found = foresee(session, campaign_of(tag_id, trigger=trigger))

        assert (found.audience, bool(found.basis)) == (1, True)

    def test_of_a_campaign_at_once_the_audience_says_it_all(self, session: Session) -> None:
        _, tag_id = tagged_members(session, 3)

        assert (foresee(session, campaign_of(tag_id)).audience, foresee(session, campaign_of(tag_id)).basis) == (3, "")


class TestWhatItCosts:
    def test_is_points_at_their_worth_and_coupons_at_the_most_they_take_off(self, session: Session) -> None:
        _, tag_id = tagged_members(session, 4)
        cash = make_template(session, terms_of(worth=CashOff(2_000)))
        percent = make_template(session, terms_of(worth=PercentOff(20, 1_500)))

        found = foresee(
            session, campaign_of(tag_id, actions=(GivePoints(150), GiveCoupon(cash), GiveCoupon(percent), PutTag(1)))
        )

        assert (found.given.points, found.given.coupons, found.service_notices) == (600, 8, 8)
        assert (found.given.points_fen, found.given.coupons_fen) == (4 * 150, 4 * 3_500)
        assert (found.given.fen, found.most_fen, found.uncosted) == (14_600, 14_600, frozenset())

    def test_of_a_coupon_without_a_ceiling_nobody_knows_so_that_somebody_else_approves(self, session: Session) -> None:
        _, tag_id = tagged_members(session, 2)
        gift = make_template(session, terms_of(worth=Gift("马克杯"), threshold_fen=0))

        found = foresee(session, campaign_of(tag_id, actions=(GiveCoupon(gift),)))

        assert (found.given.fen, found.uncosted) == (0, frozenset({gift}))
        assert found.needs_approval(10**9)

    def test_stops_where_the_stock_of_a_coupon_ends(self, session: Session) -> None:
        member_ids, tag_id = tagged_members(session, 5)
        template_id = make_template(session, terms_of(worth=CashOff(2_000)), stock=4)
        issue_to(session, member_ids[0], template_id)

        found = foresee(session, campaign_of(tag_id, actions=(GiveCoupon(template_id), GivePoints(10))))

        assert (found.given.members, found.given.coupons, found.given.points) == (3, 3, 30)

    def test_a_share_of_a_fen_costs_a_whole_one(self) -> None:
        assert [points_fen(points, 300) for points in (0, 1, 3, 4, 300)] == [0, 1, 1, 2, 100]

    def test_without_a_bound_it_is_unknown_where_others_may_come_and_else_what_the_caps_allow(
        self, session: Session
    ) -> None:
        _, tag_id = tagged_members(session, 2)

        def most(**changes: Any) -> int | None:
            return foresee(session, campaign_of(tag_id, **changes)).most_fen

        assert most() == 20
        assert (most(trigger=Visit()), most(trigger=At(AT + DAY))) == (None, None)
        assert most(trigger=Visit(), caps=Caps(points=1_005)) == 1_000
        assert most(trigger=Visit(), caps=Caps(fen=777)) == 770
        assert most(trigger=Visit(), caps=Caps(members=7, times_a_member=3)) == 210
        assert most(trigger=Visit(), actions=(MESSAGE,)) == 0
        four = make_template(session, terms_of(worth=CashOff(2_000)), stock=4)
        assert most(trigger=Visit(), actions=(GiveCoupon(four),), caps=Caps(members=7)) == 8_000

    def test_of_a_revision_is_what_was_given_and_what_the_rest_of_the_caps_allows(
        self, container: NullContainer, session: Session
    ) -> None:
        _, tag_id = tagged_members(session, 3)
        campaign_id = ran(container, campaign_of(tag_id, caps=Caps(points=45)))

        def foreseen(caps: Caps) -> Forecast:
            return foresee(session, campaign_of(tag_id, caps=caps, trigger=Visit()), campaign_id)

        once, twice, by_cost = (
            foreseen(caps)
            for caps in (Caps(points=45), Caps(points=45, times_a_member=2), Caps(fen=500, times_a_member=2))
        )
        assert (once.given.points, once.given_fen, once.most_fen) == (0, 30, 40)
        assert (twice.given.points, twice.given_fen, twice.most_fen) == (10, 30, 40)
        assert (by_cost.given.points, by_cost.given_fen, by_cost.most_fen) == (30, 30, 500)


@pytest.mark.parametrize(
    ("changes", "times"),
    [
        ({"trigger": Now()}, 1),
        ({"trigger": Visit(), "caps": Caps(times_a_member=3)}, 3),
        ({"trigger": Recurring(Repetition.DAILY, time(9)), "caps": Caps(times_a_member=50)}, 50),
        ({"trigger": Recurring(Repetition.DAILY, time(9)), "caps": Caps(times_a_member=50),
          "ends_at": AT + 5 * DAY}, 5),
        ({"trigger": Recurring(Repetition.WEEKLY, time(9), frozenset({5})), "caps": Caps(times_a_member=50),
          "starts_at": AT + 2 * DAY, "ends_at": AT + 12 * DAY}, 2),
    ],
)  # fmt: skip
def test_one_member_takes_part_as_often_as_there_are_times(changes: dict[str, Any], times: int) -> None:
    assert times_at_most(campaign_of(**changes), at=AT, zone=SHANGHAI) == times


class TestTheOverlap:
    def test_is_with_what_is_scheduled_runs_or_is_paused_by_the_members_in_both(self, session: Session) -> None:
        members, mine = tagged_members(session, 6)
        theirs = tag_with(session, *members[:4], make_member(session).id)
        nobodys = make_tag(session)
        running = make_campaign(session, campaign_of(theirs, title="跑着的", trigger=Visit()), at=AT)
        scheduled = make_campaign(session, campaign_of(mine, trigger=At(AT + DAY)), at=AT)
        paused = make_campaign(session, campaign_of(tag_with(session, *members[:2]), trigger=Visit()), at=AT)
        pause(session, campaign_id=paused, actor=CHECKER, at=AT)
        make_campaign(session, campaign_of(nobodys, trigger=Visit()), at=AT)
        draft_campaign(session, campaign_of(theirs), at=AT)
        over = make_campaign(session, campaign_of(mine, trigger=Visit()), at=AT)
        end(session, campaign_id=over, actor=CHECKER, at=AT)
        own = make_campaign(session, campaign_of(mine, trigger=Visit()), at=AT)

        found = foresee(session, campaign_of(mine, trigger=Visit()), own)

        assert [(one.campaign_id, one.members) for one in found.overlap] == [(scheduled, 6), (running, 4), (paused, 2)]
        assert found.overlap[1].title == "跑着的"

    def test_is_with_all_of_them_however_many_and_of_one_audience_at_once(
        self, session: Session, statements: StatementCounter
    ) -> None:
        _, mine = tagged_members(session, 1)
        tags = [mine, *(tag_with(session, make_member(session).id) for _ in range(AUDIENCES_AT_ONCE))]
        others = [put_in_force(session, campaign_of(tag_id, trigger=Visit()), at=AT) for tag_id in [*tags, mine]]
        audience = members_matching(Tags(frozenset({mine})), at=AT, zone=SHANGHAI, vault=VAULT)
        statements.clear()

        found = overlap(session, audience, campaign_id=None, at=AT, zone=SHANGHAI, vault=VAULT)

        assert [one.campaign_id for one in found] == [others[0], others[-1]]
        assert statements.count == 3, "the campaigns, and two for one audience more than fits into one"


class TestTheMessage:
    def test_tells_its_reach_by_channel_for_those_who_are_not_held_out(self, session: Session) -> None:
        _, tag_id = tagged_members(session, 30)
        terms = campaign_of(tag_id, actions=(MESSAGE, GivePoints(1)), holdout_percent=50)

        found = foresee(session, terms, draft_campaign(session, terms, at=AT))

        assert found.reach is not None
        assert found.reach.total == 30 - found.held_out
        assert found.reach.by_channel[Channel.INBOX] == found.reach.unreached == found.reach.total

    def test_without_one_there_is_no_reach_to_tell(self, session: Session) -> None:
        assert foresee(session, campaign_of()).reach is None


def test_of_what_makes_no_sense_nothing_is_forecast_but_of_what_is_not_allowed_all(session: Session) -> None:
    with pytest.raises(InvalidCampaign):
        foresee(session, campaign_of(trigger=Sleeping(2**70)))

    lure = SendMessage("转发朋友圈领积分", "退订请到消息设置。", ("inbox",))
    found = foresee(session, campaign_of(actions=(lure,), trigger=OnEvent(CampaignEvent.FOLLOWED)))
    assert [finding.code for finding in found.must_fix] == ["induced_sharing"]


def test_the_figures_that_a_revision_keeps_are_plain_json(session: Session) -> None:
    _, tag_id = tagged_members(session, 2)
    terms = replace(
        campaign_of(tag_id, actions=(GivePoints(5), MESSAGE)), audience=All((EVERYBODY, Tags(frozenset({tag_id}))))
    )

    kept = foresee(session, terms).to_json()

    assert (kept["audience"], kept["points"], kept["fen"], kept["reach"]["total"]) == (2, 10, 10, 2)
