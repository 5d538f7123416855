"""Roll-ups say what the rows say: whatever happened, however late, and however often they are made."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import handlers, rollups
from loyalty.container import Container
from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.rules.members import MemberStatus
from loyalty.merging.service import merge
from loyalty.orders.service import purchases
from loyalty.reports.rollups import late, rolling
from loyalty.reports.rollups.board import figures_by_day, figures_by_store
from loyalty.reports.rollups.figures import FIGURES, LABELS, Figures
from loyalty.reports.rollups.models import DayToRecount, FactsOfDay, PointsOfDay, RollupState
from loyalty.reports.rollups.standing import list_sleepers, recount_standings, standing_of
from loyalty.reports.rollups.verification import verify
from loyalty.stores.models import Store
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.check_ins import SHANGHAI
from tests.factories.checkout import buy, give_back
from tests.factories.coupon_uses import use_of, use_up
from tests.factories.coupons import issue_to, make_template
from tests.factories.members import make_member
from tests.factories.orders import make_purchase, make_refund
from tests.factories.points import AT, earn
from tests.factories.rollups import roll
from tests.merging.test_merging import ACTOR
from tests.reports.stage import AT_LONG_AGO, DAY, LONG_AGO, TODAY, a_full_day, check_in, member_of, only
from tests.support.statements import StatementCounter


def figures_of(session: Session, day: date, scope: StoreScope = EVERYTHING) -> Figures:
    return figures_by_day(session, scope=scope, first=day, last=day, zone=SHANGHAI)[day]


def kept_facts(session: Session, day: date) -> int:
    """What the roll-up itself says of a day's purchases."""
    return sum(session.scalars(select(FactsOfDay.purchases_fen).where(FactsOfDay.business_on == day)))


class TestBoard:
    def test_counts_everything_where_it_belongs(self, session: Session, store: Store) -> None:
        a_full_day(session, store)

        today = figures_of(session, TODAY, only(store))

        assert today == Figures(
            points_issued=300,
            points_spent=30,
            points_deducted=5,
            points_reversed=-20,
            new_members=1,
            active_members=2,
            check_ins=2,
            coupons_issued=2,
            coupons_used=1,
            coupon_revenue_fen=15_000 - today.coupon_discount_fen,
            coupon_discount_fen=today.coupon_discount_fen,
            purchases=1,
            purchases_fen=10_000,
            campaign_reached=1,
        )
        assert today.coupon_discount_fen > 0
        chain = figures_of(session, TODAY)
        assert (chain.active_members, chain.coupons_issued, chain.purchases) == (3, 5, 2)
        assert chain.campaign_reached == 3
        assert figures_of(session, TODAY + DAY, only(store)).points_expired == 45

    def test_is_the_same_before_and_after_the_roll_ups_are_made(self, session: Session, store: Store) -> None:
        a_full_day(session, store)
        days = {"first": LONG_AGO, "last": TODAY + 3 * DAY, "zone": SHANGHAI, "scope": EVERYTHING}
        live = figures_by_day(session, **days), figures_by_store(session, **days)

        roll(session, at=AT + 5 * DAY)

        assert session.scalars(select(FactsOfDay)).all()
        assert session.scalars(select(PointsOfDay)).all()
        assert (figures_by_day(session, **days), figures_by_store(session, **days)) == live
        assert Figures.sum_of(live[0].values()) == Figures.sum_of(live[1].values())
        assert verify(session, zone=SHANGHAI) == []

    def test_shows_what_happened_since_at_once(self, session: Session, store: Store) -> None:
        member = member_of(session, store)
        roll(session)
        earn(session, member.id, 7)
        check_in(session, member, TODAY)

        assert (figures_of(session, TODAY).points_issued, figures_of(session, TODAY).check_ins) == (7, 1)

    def test_takes_two_statements(self, session: Session, statements: StatementCounter) -> None:
        figures_of(session, TODAY)

        assert statements.count == 2

    def test_names_every_figure(self) -> None:
        assert set(LABELS) == set(FIGURES)


class TestPoints:
    def test_recorded_late_end_in_the_day_on_which_they_were_earned(self, session: Session, store: Store) -> None:
        member = member_of(session, store)
        earn(session, member.id, 5, at=AT_LONG_AGO)
        roll(session)
        earn(session, member.id, 70, at=AT, occurred_at=AT_LONG_AGO)
        roll(session)

        assert figures_of(session, LONG_AGO).points_issued == 75
        assert session.scalars(select(PointsOfDay.points_issued)).all() == [75]

    def test_are_added_once_however_often_they_are_rolled(self, session: Session, store: Store) -> None:
        earn(session, member_of(session, store).id, 5)

        for _ in range(3):
            roll(session)

        assert session.scalars(select(PointsOfDay.points_issued)).all() == [5]

    def test_are_rolled_a_page_at_a_time(self, session: Session, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rolling, "IDS_AT_A_TIME", 1)
        member = member_of(session, store)
        earned = [earn(session, member.id, each).entry_id for each in (1, 2, 4)]
        state = rolling.held_state(session)
        state.rolled_until_id = state.settled_until_id = state.drawn_until_id = earned[0] - 1

        left = [rolling.roll_points(session, zone=SHANGHAI) for _ in earned]

        assert left == [2, 1, 0]
        assert session.scalars(select(PointsOfDay.points_issued)).all() == [7]

    def test_cut_days_at_midnight_of_the_programme(self, session: Session, store: Store) -> None:
        midnight = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
        member = member_of(session, store)
        for points_, at in ((1, midnight - timedelta(microseconds=1)), (2, midnight)):
            earn(session, member.id, points_, at=at)
        roll(session)

        assert (figures_of(session, TODAY - DAY).points_issued, figures_of(session, TODAY).points_issued) == (1, 2)


class TestLateFacts:
    @pytest.fixture
    def bought(self, session: Session, store: Store) -> int:
        """An order of long ago that was counted; returns whose."""
        member = member_of(session, store)
        outcome = buy(session, make_purchase(member.id, order_number="L1", store_id=store.id, paid_at=AT_LONG_AGO))
        assert outcome is not None
        roll(session)
        assert kept_facts(session, LONG_AGO) == 10_000
        return member.id

    def deliver(self, session: Session, container: Container, *kinds: str) -> None:
        for event in session.scalars(select(OutboxEvent).where(OutboxEvent.kind.in_(kinds)).order_by(OutboxEvent.id)):
            (note,) = [one for one in handlers.IN_TRANSACTION[event.kind] if one.__module__ == rollups.__name__]
            note(session, container, event.payload, AT)
        session.flush()

    def test_of_a_refund_change_the_day_of_the_purchase(
        self, session: Session, container: Container, bought: int
    ) -> None:
        give_back(session, make_refund("L1"))
        self.deliver(session, container, "order.refunded")
        roll(session)

        assert kept_facts(session, LONG_AGO) == 0

    def test_of_a_correction_change_the_day_it_leaves_and_the_day_it_enters(
        self, session: Session, container: Container, store: Store, bought: int
    ) -> None:
        moved = make_purchase(bought, order_number="L1", store_id=store.id, paid_at=AT_LONG_AGO - 3 * DAY, version=2)
        purchases.record_purchase(session, purchase=moved, at=AT)
        self.deliver(session, container, "order.recorded")
        roll(session)

        assert (kept_facts(session, LONG_AGO), kept_facts(session, LONG_AGO - 3 * DAY)) == (0, 10_000)

    def test_of_a_merge_move_check_ins_to_the_store_of_the_survivor(
        self, session: Session, container: Container, store: Store
    ) -> None:
        online, survivor = member_of(session, None), member_of(session, store)
        check_in(session, online, LONG_AGO)
        roll(session)
        merge(session, survivor_id=survivor.id, other_id=online.id, actor=ACTOR, at=AT)
        self.deliver(session, container, "member.merged")
        roll(session)

        assert figures_of(session, LONG_AGO, only(store)).check_ins == 1
        assert verify(session, zone=SHANGHAI) == []

    def test_of_a_made_up_day_and_of_a_use_taken_back_are_noted_for_their_days(
        self, session: Session, store: Store
    ) -> None:
        member = member_of(session, store)
        coupon_id = issue_to(session, member.id, make_template(session), at=AT_LONG_AGO).coupon_id
        used = use_up(session, member.id, coupon_id, use=use_of(at=AT_LONG_AGO))
        late.note_check_in(session, on=LONG_AGO - DAY, zone=SHANGHAI, at=AT)
        late.note_redemption(session, redemption_id=used.redemptions[0].id, zone=SHANGHAI, at=AT)

        assert list(session.scalars(select(DayToRecount.business_on))) == [LONG_AGO - DAY, LONG_AGO]
        roll(session)
        assert session.scalars(select(DayToRecount)).all() == []

    def test_of_the_days_that_are_counted_again_anyway_need_no_note(self, session: Session, store: Store) -> None:
        for days_ago in (0, 1):
            late.note_check_in(session, on=TODAY - days_ago * DAY, zone=SHANGHAI, at=AT)

        assert session.scalars(select(DayToRecount)).all() == []

    def test_of_yesterday_are_counted_by_the_first_run_after_a_pause(self, session: Session, store: Store) -> None:
        member = member_of(session, store)
        roll(session)
        check_in(session, member, TODAY - DAY)
        roll(session, at=AT + 9 * DAY)

        assert figures_of(session, TODAY - DAY).check_ins == 1
        assert session.scalars(select(RollupState.counted_on)).one() == TODAY + 9 * DAY


class TestStandings:
    def test_count_members_sleepers_and_what_is_owed(self, session: Session, store: Store) -> None:
        awake, asleep = (member_of(session, store) for _ in range(2))
        asleep.last_active_at = AT - 91 * DAY
        make_member(session, enrolled_store_id=store.id, status=MemberStatus.CLOSED)
        session.flush()
        earn(session, awake.id, 50)

        for _ in range(2):
            recount_standings(session, at=AT)

        found = asdict(standing_of(session, scope=only(store)))
        found.pop("counted_at")
        assert found == {
            "members": 2,
            "sleeping_members": 1,
            "points_balance": 50,
            "points_held": 0,
            "points_debt": 0,
        }
        assert standing_of(session, scope=EVERYTHING).counted_at == AT

    def test_of_sleepers_lead_to_each_of_them(self, session: Session, store: Store) -> None:
        home, online = [member_of(session, store) for _ in range(5)], member_of(session, None)
        for member in (*home, online):
            member.last_active_at = AT - 91 * DAY
        home[0].status = MemberStatus.CLOSED
        home[1].last_active_at = AT - 90 * DAY
        session.flush()
        earn(session, home[2].id, 50)
        asleep = [online.id, home[4].id, home[3].id]

        first = list_sleepers(session, scope=EVERYTHING, at=AT, limit=2)
        rest = list_sleepers(session, scope=EVERYTHING, at=AT, cursor=first.next_cursor, limit=2)

        assert [one.member_id for one in (*first.items, *rest.items)] == asleep
        assert first.items[0].last_act_at == AT - 91 * DAY
        assert [one.member_id for one in list_sleepers(session, scope=only(store), at=AT).items] == asleep[1:]
        for scope, count in ((EVERYTHING, 3), (only(store), 2)):
            recount_standings(session, at=AT)
            assert standing_of(session, scope=scope).sleeping_members == count
