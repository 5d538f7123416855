"""Results of campaigns: a history made by hand, and random ones against the same counted row by row."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntrance, CampaignEntry, CampaignTaking
from loyalty.campaigns.queries.results import Results, results
from loyalty.campaigns.rules.entries import EntranceKind, EntryState, MissReason
from loyalty.campaigns.rules.intervals import Sample
from loyalty.campaigns.rules.results import Comparison, Figures, Group, Way
from loyalty.campaigns.rules.works import OPEN
from loyalty.coupons.held import Use
from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.rules.terms import CashOff, Stacking
from loyalty.coupons.service.redeeming import redeem
from loyalty.coupons.service.reversing import reverse_redemption
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.merging.service import merge
from loyalty.orders.models import Order
from loyalty.orders.rules import Line, RefundLine
from loyalty.orders.service import record_purchase, record_refund
from loyalty.points.models import Draw, LedgerEntry, Lot
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.campaign_results import RunningCampaign
from tests.factories.coupons import make_template, terms_of
from tests.factories.members import make_member
from tests.factories.orders import line, make_purchase, make_refund
from tests.factories.points import earn, reverse, spend
from tests.factories.stores import make_store
from tests.support.statements import StatementCounter

ACTOR = Actor("system:tests")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WINDOW = 7


@pytest.fixture
def campaign(session: Session, at: datetime) -> RunningCampaign:
    terms = terms_of(worth=CashOff(5_00), threshold_fen=0, stacking=Stacking(is_exclusive=False))
    return RunningCampaign(session, make_template(session, terms, stock=None), at=at)


@pytest.fixture
def stores(session: Session) -> list[int]:
    return [make_store(session).id for _ in range(2)]


def results_of(campaign: RunningCampaign, zone: ZoneInfo, scope: StoreScope = EVERYTHING) -> Results:
    return results(campaign.session, campaign_id=campaign.id, scope=scope, zone=zone, window_days=WINDOW)


def buy(session: Session, member_id: int, fen: int, at: datetime, *, back: int = 0, store_id: int | None = None) -> int:
    bought = make_purchase(member_id, line(amount_fen=fen), paid_at=at, store_id=store_id)
    recorded = record_purchase(session, purchase=bought, at=at)
    if back:
        refund = make_refund(bought.order_number, RefundLine(1, int(back == fen), back), refunded_at=at)
        record_refund(session, refund=refund, at=at)
    return recorded.order_id


def use(session: Session, member_id: int, coupon_id: int, at: datetime, zone: ZoneInfo, *, order_id: int | None) -> int:
    """Use a coupon for a basket of 20 yuan; its order is told afterwards, as nobody can use one of a known order."""
    used = redeem(
        session,
        member_id=member_id,
        coupon_ids=[coupon_id],
        reference=f"till:{coupon_id}",
        use=Use(store_id=None, channel="pos", lines=(Line(1, "A1", "饮品", 1, 20_00),), at=at),
        zone=zone,
        actor="partner:1",
    ).redemptions[0]
    session.get_one(CouponRedemption, used.id).order_id = order_id
    session.flush()
    return used.id


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


class TestRandomHistories:
    @pytest.mark.parametrize("seed", range(3))
    def test_every_figure_is_what_one_counts_row_by_row(
        self, session: Session, campaign: RunningCampaign, stores: list[int], at: datetime, zone: ZoneInfo, seed: int
    ) -> None:
        chance = random.Random(seed)
        live(session, campaign, stores, at, zone, chance)
        assert results_of(campaign, zone).total.points_used
        scopes = [EVERYTHING, StoreScope(is_chain_wide=False, store_ids=frozenset(stores[:1]))]

        for scope in scopes:
            found, expected = results_of(campaign, zone, scope), Counted(session, campaign, scope, zone)

            assert {way: found.ways[way] for way in found.ways} == expected.groups["way"]
            assert found.stores == expected.groups["store"]
            assert found.days == expected.groups["day"]
            assert found.total == Figures.sum_of(expected.groups["day"].values())
            assert found.comparison == expected.comparison()
            assert found.total.revenue_fen


def live(
    session: Session, campaign: RunningCampaign, stores: list[int], at: datetime, zone: ZoneInfo, chance: random.Random
) -> None:
    """Let members come and go, buy and return, spend and be merged, some of them outside the days that count."""
    members = [make_member(session, enrolled_store_id=chance.choice([*stores, None])) for _ in range(12)]
    ways = [None, campaign.entrance(EntranceKind.LINK), campaign.entrance(EntranceKind.QR, stores[0])]
    for member in members[:10]:
        is_held_out = chance.random() < 0.3
        for number in range(chance.randint(1, 3)):
            enter(campaign, member, number, is_held_out, chance.choice(ways), at, chance)
    for _ in range(40):
        member, then = chance.choice(members), at + chance.randint(-2, 12) * DAY + chance.randint(0, 23) * HOUR
        fen = chance.randint(1, 9_999)
        buy(session, member.id, fen, then, back=chance.choice([0, 0, fen // 2, fen]))
    later = at + 20 * DAY
    for (owner, _occurrence), coupon_id in list(campaign.coupons.items()):
        if chance.random() < 0.6:
            orders = session.scalars(select(Order.id).where(Order.member_id == owner)).all()
            order_id = chance.choice(orders) if orders else None
            used = use(session, owner, coupon_id, at + 5 * DAY, zone, order_id=order_id)
            if order_id is None and chance.random() < 0.5:
                reverse_redemption(session, redemption_id=used, reference="r", at=later, zone=zone, actor="x")
        spent = spend(session, owner, chance.randint(1, 90), at=at + 5 * DAY)
        if chance.random() < 0.4:
            reverse(session, owner, spent.entry_id, at=later)
    merge(session, survivor_id=members[0].id, other_id=members[1].id, actor=ACTOR, at=later)
    merge(session, survivor_id=members[11].id, other_id=members[2].id, actor=ACTOR, at=later)


def enter(
    campaign: RunningCampaign,
    member: Member,
    number: int,
    is_held_out: bool,
    entrance: Any,
    at: datetime,
    chance: random.Random,
) -> None:
    state = EntryState.HELD_OUT if is_held_out else chance.choice([EntryState.DONE] * 3 + [EntryState.MISSED])
    campaign.enter(
        member.id,
        occurrence=f"event:{number}",
        run=chance.choice(["once", OPEN]),
        state=state,
        missed=MissReason.COUPON_REFUSED if state is EntryState.MISSED else None,
        entrance=entrance,
        store_id=member.enrolled_store_id,
        at=at + chance.randint(0, 3) * DAY + chance.randint(0, 20) * HOUR,
        delay=chance.randint(0, 9) * HOUR,
    )


class Counted:
    """The same figures by loops over rows, one entry, one purchase, one draw at a time."""

    def __init__(self, session: Session, campaign: RunningCampaign, scope: StoreScope, zone: ZoneInfo) -> None:
        self.session, self.campaign, self.zone = session, campaign, zone
        session.expire_all()
        entries = session.scalars(select(CampaignEntry).where(CampaignEntry.campaign_id == campaign.id)).all()
        self.entries = [entry for entry in entries if scope.covers(entry.store_id)]
        members = session.scalars(select(Member)).all()
        self.person = {member.id: member.merged_into_id or member.id for member in members}
        self.groups: dict[str, dict[Any, Figures]] = {name: defaultdict(Figures) for name in ("way", "store", "day")}
        for entry in self.entries:
            given = {"points": entry.points, "coupons": entry.coupons}
            self._add(entry, entry.done_at or entry.entered_at, entered=1, **{entry.state: 1}, **given)
        self._spendings()
        self._uses()
        self._purchases()

    def _add(self, entry: CampaignEntry, at: datetime, **figures: int) -> None:
        kinds = {one.id: one.kind for one in self.campaign.session.query(CampaignEntrance).all()}
        is_open = entry.run_id == self.campaign.runs[OPEN]
        way = Way(kinds[entry.entrance_id]) if entry.entrance_id else Way.EVENT if is_open else Way.PUSH
        keys = {"way": way, "store": entry.store_id, "day": business_date(at, self.zone)}
        for name, key in keys.items():
            self.groups[name][key] += Figures(**figures)

    def _given(self, reference: str, member_id: int) -> CampaignEntry | None:
        for entry in self.entries:
            begins = f"campaign:{self.campaign.id}:{entry.occurrence}:"
            if (entry.owner_id or entry.member_id) == member_id and reference.startswith(begins):
                return entry
        return None

    def _spendings(self) -> None:
        ledger = {one.id: one for one in self.session.scalars(select(LedgerEntry))}
        lots = {lot.id: lot for lot in self.session.scalars(select(Lot))}
        for draw in self.session.scalars(select(Draw)):
            given, by = ledger[lots[draw.lot_id].entry_id], ledger[draw.entry_id]
            undone = ledger[by.reversed_entry_id].kind if by.reversed_entry_id else ""
            entry = self._given(given.reference, given.member_id) if given.kind == "adjust" else None
            if entry is not None and "spend" in (by.kind, undone):
                self._add(entry, by.occurred_at, points_used=draw.points)

    def _uses(self) -> None:
        for use in self.session.scalars(select(CouponRedemption)):
            coupon = self.session.get_one(Coupon, use.coupon_id)
            entry = self._given(coupon.reference, coupon.member_id)
            if entry is not None and use.reversed_at is None:
                self._add(entry, use.redeemed_at, coupons_used=1, discount_fen=use.discount_fen)

    def _orders_after(self, entry: CampaignEntry) -> list[Order]:
        person, until = self.person[entry.member_id], entry.entered_at + WINDOW * DAY
        return [
            order
            for order in self.session.scalars(select(Order))
            if order.member_id is not None and order.paid_at is not None and not order.is_refunded
            if self.person[order.member_id] == person and entry.entered_at <= order.paid_at < until
        ]

    def _purchases(self) -> None:
        latest: dict[int, tuple[Order, CampaignEntry]] = {}
        ours = {
            use.order_id
            for use in self.session.scalars(select(CouponRedemption).where(CouponRedemption.reversed_at.is_(None)))
            if self.session.get_one(Coupon, use.coupon_id).reference.startswith(f"campaign:{self.campaign.id}:")
        }
        for entry in sorted(self.entries, key=lambda one: (one.entered_at, one.occurrence)):
            if entry.state == EntryState.DONE:
                latest |= {order.id: (order, entry) for order in self._orders_after(entry)}
        for order, entry in latest.values():
            assert order.paid_at is not None
            net = order.amount_fen - order.refunded_fen
            with_coupon = net if order.id in ours else 0
            self._add(entry, order.paid_at, purchases=1, revenue_fen=net, coupon_revenue_fen=with_coupon)

    def comparison(self) -> Comparison | None:
        if not any(entry.state == EntryState.HELD_OUT for entry in self.entries):
            return None
        states, bought = defaultdict(set), defaultdict(dict)
        for entry in self.entries:
            person = self.person[entry.member_id]
            states[person].add(entry.state)
            bought[person] |= {order.id: order.amount_fen - order.refunded_fen for order in self._orders_after(entry)}
        groups = {}
        for is_held_out in (False, True):
            people = [one for one, known in states.items() if (known == {EntryState.HELD_OUT}) is is_held_out]
            spent = [sum(bought[one].values()) for one in people]
            sample = Sample(len(people), sum(spent), sum(fen * fen for fen in spent))
            groups[is_held_out] = Group(sum(bool(bought[one]) for one in people), sample)
        return Comparison(groups[False], groups[True])


def test_results_take_nine_statements(
    session: Session, campaign: RunningCampaign, zone: ZoneInfo, statements: StatementCounter
) -> None:
    for state in (EntryState.DONE, EntryState.HELD_OUT, EntryState.DONE):
        campaign.enter(make_member(session).id, state=state)
    session.expire_all()
    statements.clear()

    results_of(campaign, zone)

    assert statements.count == 9, "\n".join(statements.sent)
