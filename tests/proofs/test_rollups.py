"""Roll-ups beside lives: purchases reported late, refunds, expiry, batches, merges, and jobs that come as they please.

After every step the board says of points what the entries say, one after the other, whatever the roll-ups hold of
them; once events are delivered and days counted, every roll-up is proved.
"""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from sqlalchemy import Engine, delete, select

from loyalty.campaigns.rules.entries import EntryState
from loyalty.kernel.clock import business_date
from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.models import Member
from loyalty.orders.models import Order
from loyalty.reports.rollups import late, rolling
from loyalty.reports.rollups.board import figures_by_day
from loyalty.reports.rollups.figures import POINTS, Figures
from loyalty.reports.rollups.verification import verify
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.campaign_results import RunningCampaign
from tests.factories.checkout import SHANGHAI
from tests.factories.coupons import make_template
from tests.factories.rollups import points_reckoned, roll
from tests.factories.stores import make_store
from tests.proofs.batches import Adjusting
from tests.proofs.machine import live, pick, picks
from tests.proofs.oracle_orders import OracleRules
from tests.proofs.postings import Posting
from tests.proofs.programme import rules_of
from tests.proofs.purchases import Buying
from tests.support.proof import size

pytestmark = pytest.mark.proof

LIVES, STEPS = size(reduced=3, full=200), 50
STEPS_AT_LEAST = size(reduced=100, full=8_000)
BEFORE = timedelta(days=31)
"""So long ago a purchase may be that is reported late."""


class LifeOnABoard(Buying, Posting, Adjusting):
    """Whoever buys enrolled at a store, the other online: a merge moves points from one to the other."""

    @initialize(rules=rules_of)
    def begin(self, rules: OracleRules) -> None:
        super().begin(rules)
        self.store_id = make_store(self.session).id
        self.session.get_one(Member, self.buyer.id).enrolled_store_id = self.store_id
        self.session.flush()
        self.first = business_date(self.at - BEFORE, SHANGHAI)
        self.campaign = RunningCampaign(self.session, make_template(self.session), at=self.at)
        self.reached: Counter[date] = Counter()

    @rule(who=picks, is_at_store=st.booleans())
    def a_campaign_reaches_somebody(self, who: int, is_at_store: bool) -> None:
        """What it gives is left out: entries of points come about in many other ways here."""
        entry = self.campaign.enter(
            pick(self.living, who).id,
            at=self.at,
            occurrence=f"event:{self.reached.total()}",
            state=EntryState.WAITING,
            store_id=self.store_id if is_at_store else None,
        )
        entry.state, entry.done_at = EntryState.DONE, self.at
        self.session.flush()
        self.reached[business_date(self.at, SHANGHAI)] += 1

    @rule()
    def entries_are_rolled(self) -> None:
        rolling.roll_points(self.session, zone=SHANGHAI)

    @rule()
    def days_are_counted(self) -> None:
        rolling.recount_days(self.session, zone=SHANGHAI, at=self.at)

    @rule()
    def events_are_delivered_and_everything_is_rolled(self) -> None:
        self.deliver()
        roll(self.session, at=self.at)
        assert verify(self.session, zone=SHANGHAI) == []
        bought: Counter[date] = Counter()
        for order in self.session.scalars(select(Order).where(~Order.is_refunded)):
            bought[business_date(order.paid_at or self.at, SHANGHAI)] += order.amount_fen - order.refunded_fen
        board = self.board(EVERYTHING)
        assert {day: figures.purchases_fen for day, figures in board.items() if figures.purchases_fen} == +bought
        assert {
            day: figures.campaign_reached for day, figures in board.items() if figures.campaign_reached
        } == self.reached

    def deliver(self) -> None:
        """As the relay does, to the roll-ups alone."""
        known = {"zone": SHANGHAI, "at": self.at}
        for event in self.session.scalars(select(OutboxEvent).order_by(OutboxEvent.id)):
            if event.kind in ("order.recorded", "order.refunded"):
                late.note_order(self.session, order_id=event.payload["order_id"], **known)
            elif event.kind == "member.merged":
                late.note_merge(self.session, member_id=event.payload["survivor_id"], **known)
        self.session.execute(delete(OutboxEvent))

    @invariant()
    def the_board_says_what_the_entries_say(self) -> None:
        if not self.people:
            return
        self.session.flush()
        for store_id in (self.store_id, None):
            seen = self.board(EVERYTHING) if store_id is None else self.board(self.of_store)
            reckoned = points_reckoned(self.session, self.store_id)
            if store_id is None:
                for day, online in points_reckoned(self.session, None).items():
                    reckoned = {**reckoned, day: Counter(reckoned.get(day, Counter()))}
                    for name, points in online.items():
                        reckoned[day][name] += points
            for day, figures in seen.items():
                assert {name: getattr(figures, name) for name in POINTS} == {
                    name: reckoned.get(day, Counter())[name] for name in POINTS
                }

    @property
    def of_store(self) -> StoreScope:
        return StoreScope(is_chain_wide=False, store_ids=frozenset({self.store_id}))

    def board(self, scope: StoreScope) -> dict[date, Figures]:
        last = max(self.first, business_date(self.at, SHANGHAI))
        first = max(self.first, last - timedelta(days=365))
        return dict(figures_by_day(self.session, scope=scope, first=first, last=last, zone=SHANGHAI))


def test_roll_ups_equal_the_ledger_after_every_step(engine: Engine) -> None:
    assert live(LifeOnABoard, engine, part=0, lives=LIVES, steps=STEPS) >= STEPS_AT_LEAST
