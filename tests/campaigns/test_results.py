"""Results of campaigns: a history made by hand."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignTaking
from loyalty.campaigns.rules.entries import EntranceKind, EntryState, MissReason
from loyalty.campaigns.rules.intervals import Sample
from loyalty.campaigns.rules.results import Comparison, Figures, Group, Way
from loyalty.campaigns.rules.works import OPEN
from loyalty.coupons.service.reversing import reverse_redemption
from loyalty.members.rules.members import MemberStatus
from loyalty.merging.service import merge
from loyalty.stores.rules import StoreScope
from tests.campaigns.purchases import ACTOR, DAY, HOUR, WINDOW, buy, results_of, use
from tests.factories.campaign_results import RunningCampaign
from tests.factories.members import make_member
from tests.factories.points import earn, reverse, spend
from tests.support.statements import StatementCounter


class TestByHand:
    def test_follows_a_member_from_the_code_of_a_store_to_the_till(
        self, session: Session, campaign: RunningCampaign, stores: list[int], at: datetime, zone: ZoneInfo
    ) -> None:
        here = stores[0]
        member = make_member(session).id
        code = campaign.entrance(EntranceKind.QR, here)
        campaign.enter(member, entrance=code, run=OPEN, occurrence="visit:2026-03-10", store_id=here)
        earn(session, member, 500, at=at)  # of another kind: what is spent of these is not the campaign's
        spend(session, member, 30, at=at + DAY)
        with_coupon = buy(session, member, 20_00, at + DAY, back=2_00)
        use(session, member, campaign.coupon_of(member, "visit:2026-03-10"), at + DAY, zone, order_id=with_coupon)
        buy(session, member, 50_00, at + 3 * DAY)
        buy(session, member, 9_00, at + 4 * DAY, back=9_00)  # returned whole: no purchase
        buy(session, member, 70_00, at - HOUR)  # before
        buy(session, member, 80_00, at + WINDOW * DAY)  # too late

        found = results_of(campaign, zone)

        assert found.total == Figures(
            entered=1,
            done=1,
            points=100,
            coupons=1,
            points_used=30,
            coupons_used=1,
            discount_fen=5_00,
            purchases=2,
            revenue_fen=18_00 + 50_00,
            coupon_revenue_fen=18_00,
        )
        assert (found.members, found.ways, found.stores) == (1, {Way.QR: found.total}, {here: found.total})
        assert list(found.days) == [date(2026, 3, day) for day in (10, 11, 13)]
        assert found.cost_fen(found.total) == 100 * 100 // found.points_per_yuan + 5_00
        assert found.observed_until == at + WINDOW * DAY

    def test_says_why_members_missed_it(self, session: Session, campaign: RunningCampaign, zone: ZoneInfo) -> None:
        for reason in (MissReason.POINTS_TOTAL, MissReason.COUPON_REFUSED, MissReason.POINTS_TOTAL):
            campaign.enter(make_member(session).id, state=EntryState.MISSED, missed=reason)
        campaign.enter(make_member(session).id, state=EntryState.WAITING)

        found = results_of(campaign, zone)

        assert list(found.missed.items()) == [(MissReason.POINTS_TOTAL, 2), (MissReason.COUPON_REFUSED, 1)]
        assert (found.total.entered, found.total.missed, found.total.waiting, found.members) == (4, 3, 1, 0)

    def test_a_purchase_belongs_to_the_last_entry_before_it(
        self, session: Session, campaign: RunningCampaign, stores: list[int], at: datetime, zone: ZoneInfo
    ) -> None:
        member = make_member(session).id
        campaign.enter(member, store_id=stores[0])
        campaign.enter(member, occurrence="event:9", run=OPEN, store_id=stores[1], at=at + DAY)
        buy(session, member, 10_00, at + HOUR)
        buy(session, member, 40_00, at + 2 * DAY)

        found = results_of(campaign, zone)

        assert {store: found.stores[store].revenue_fen for store in stores} == {stores[0]: 10_00, stores[1]: 40_00}
        assert (found.ways[Way.PUSH].revenue_fen, found.ways[Way.EVENT].revenue_fen) == (10_00, 40_00)
        assert (found.total.purchases, found.total.entered, found.members) == (2, 2, 1)

    def test_what_was_put_back_was_never_used(
        self, session: Session, campaign: RunningCampaign, at: datetime, zone: ZoneInfo
    ) -> None:
        member = make_member(session).id
        campaign.enter(member)
        spent = spend(session, member, 40, at=at + HOUR)
        reverse(session, member, spent.entry_id, at=at + HOUR)
        used = use(session, member, campaign.coupon_of(member), at + HOUR, zone, order_id=None)
        reverse_redemption(session, redemption_id=used, reference="oops", at=at + HOUR, zone=zone, actor="x")

        total = results_of(campaign, zone).total

        assert (total.points_used, total.coupons_used, total.discount_fen) == (0, 0, 0)

    def test_what_undoing_took_back_cost_nothing(
        self, session: Session, campaign: RunningCampaign, at: datetime, zone: ZoneInfo
    ) -> None:
        entry = campaign.enter(make_member(session).id)
        said = {"campaign_id": campaign.id, "member_id": entry.member_id, "occurrence": entry.occurrence}
        session.add(CampaignTaking(**said, kind="points", taken=80, used=20, taken_at=at))
        session.add(CampaignTaking(**said, kind="coupons", taken=1, used=0, taken_at=at))

        found = results_of(campaign, zone)

        assert (found.total.points_taken, found.total.coupons_taken) == (80, 1)
        assert found.cost_fen(found.total) == 20 * 100 // found.points_per_yuan

    def test_reads_merged_members_through_their_survivor(
        self, session: Session, campaign: RunningCampaign, at: datetime, zone: ZoneInfo
    ) -> None:
        survivor, other = make_member(session).id, make_member(session).id
        campaign.enter(other)
        buy(session, survivor, 10_00, at + HOUR)
        buy(session, other, 20_00, at + HOUR)
        merge(session, survivor_id=survivor, other_id=other, actor=ACTOR, at=at + DAY)
        buy(session, survivor, 40_00, at + 2 * DAY)

        assert results_of(campaign, zone).total.revenue_fen == 70_00

    def test_counts_what_was_given_to_the_survivor_of_a_merge(
        self, session: Session, campaign: RunningCampaign, at: datetime, zone: ZoneInfo
    ) -> None:
        survivor = make_member(session).id
        other = make_member(session, status=MemberStatus.MERGED, merged_into_id=survivor).id
        campaign.enter(other, owner_id=survivor)
        spend(session, survivor, 60, at=at + HOUR)
        use(session, survivor, campaign.coupon_of(survivor), at + HOUR, zone, order_id=None)

        total = results_of(campaign, zone).total

        assert (total.points_used, total.coupons_used) == (60, 1)

    def test_a_store_sees_its_own_entries(
        self, session: Session, campaign: RunningCampaign, stores: list[int], at: datetime, zone: ZoneInfo
    ) -> None:
        for store_id in (*stores, None):
            member = make_member(session).id
            campaign.enter(member, store_id=store_id)
            buy(session, member, 10_00, at + HOUR, store_id=stores[0])

        found = results_of(campaign, zone, StoreScope(is_chain_wide=False, store_ids=frozenset(stores[1:])))

        assert (found.total.entered, found.total.revenue_fen, list(found.stores)) == (1, 10_00, stores[1:])

    def test_nobody_has_come_yet(self, campaign: RunningCampaign, zone: ZoneInfo) -> None:
        found = results_of(campaign, zone)

        assert (found.total, found.ways, found.days, found.comparison) == (Figures(), {}, {}, None)
        assert found.observed_until is None


class TestHoldout:
    def test_compares_all_who_entered_with_those_held_out(
        self, session: Session, campaign: RunningCampaign, at: datetime, zone: ZoneInfo
    ) -> None:
        done, missed, held_out = (make_member(session).id for _ in range(3))
        campaign.enter(done)
        campaign.enter(missed, state=EntryState.MISSED, missed=MissReason.POINTS_TOTAL)
        campaign.enter(held_out, state=EntryState.HELD_OUT)
        campaign.enter(held_out, state=EntryState.HELD_OUT, occurrence="event:2", run=OPEN, at=at + HOUR)
        for member, fen in ((done, 10_00), (missed, 30_00), (held_out, 7_00)):
            buy(session, member, fen, at + DAY)

        compared = results_of(campaign, zone).comparison

        assert compared == Comparison(
            treated=Group(buyers=2, spent=Sample(2, 40_00, 10_00**2 + 30_00**2)),
            held_out=Group(buyers=1, spent=Sample(1, 7_00, 7_00**2)),
        )

    def test_a_few_members_allow_no_conclusion(self) -> None:
        many, few = Group(40, Sample(900, 40_00, 9_000_00)), Group(10, Sample(99, 10_00, 9_000_00))

        assert (Comparison(many, few).buyers, Comparison(many, few).spent) == (None, None)

    def test_money_needs_buyers_in_both_groups(self) -> None:
        many, poor = Group(40, Sample(900, 40_00, 9_000_00)), Group(9, Sample(100, 9_00, 9_000_00))

        assert Comparison(many, poor).buyers is not None
        assert Comparison(many, poor).spent is None


def test_results_take_nine_statements(
    session: Session, campaign: RunningCampaign, zone: ZoneInfo, statements: StatementCounter
) -> None:
    for state in (EntryState.DONE, EntryState.HELD_OUT, EntryState.DONE):
        campaign.enter(make_member(session).id, state=state)
    session.expire_all()
    statements.clear()

    results_of(campaign, zone)

    assert statements.count == 9, "\n".join(statements.sent)
