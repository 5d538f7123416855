"""Results of campaigns: random histories against the same counted row by row."""

import random
from collections import defaultdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntrance, CampaignEntry
from loyalty.campaigns.rules.entries import EntranceKind, EntryState, MissReason
from loyalty.campaigns.rules.intervals import Sample
from loyalty.campaigns.rules.results import Comparison, Figures, Group, Way
from loyalty.campaigns.rules.works import OPEN
from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.service.reversing import reverse_redemption
from loyalty.kernel.clock import business_date
from loyalty.members.models import Member
from loyalty.merging.service import merge
from loyalty.orders.models import Order
from loyalty.points.models import Draw, LedgerEntry, Lot
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.campaigns.purchases import ACTOR, DAY, HOUR, WINDOW, buy, results_of, use
from tests.factories.campaign_results import RunningCampaign
from tests.factories.members import make_member
from tests.factories.points import reverse, spend


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
        for used in self.session.scalars(select(CouponRedemption)):
            coupon = self.session.get_one(Coupon, used.coupon_id)
            entry = self._given(coupon.reference, coupon.member_id)
            if entry is not None and used.reversed_at is None:
                self._add(entry, used.redeemed_at, coupons_used=1, discount_fen=used.discount_fen)

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
            used.order_id
            for used in self.session.scalars(select(CouponRedemption).where(CouponRedemption.reversed_at.is_(None)))
            if self.session.get_one(Coupon, used.coupon_id).reference.startswith(f"campaign:{self.campaign.id}:")
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
        states: dict[int, set[str]] = defaultdict(set)
        bought: dict[int, dict[int, int]] = defaultdict(dict)
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
