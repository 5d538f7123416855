"""Roll-ups say what the rows say: whatever happened, however late, and however often they are made."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from jobs import handlers, rollups
from loyalty.check_ins.models import CheckIn
from loyalty.container import Container
from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.merging.service import merge
from loyalty.orders.service import purchases
from loyalty.points import service as points
from loyalty.points.models import PointsAccount
from loyalty.reports.rollups import late, rolling
from loyalty.reports.rollups.board import figures_by_day, figures_by_store
from loyalty.reports.rollups.figures import FACTS, FIGURES, LABELS, Figures
from loyalty.reports.rollups.models import DayToRecount, FactsOfDay, PointsOfDay, RollupState
from loyalty.reports.rollups.standing import recount_standings, standing_of
from loyalty.reports.rollups.verification import verify
from loyalty.stores.models import Store
from loyalty.stores.rules import EVERYTHING, StoreScope
from tests.factories.check_ins import SHANGHAI, make_plan
from tests.factories.checkout import buy, give_back
from tests.factories.coupon_uses import use_of, use_up
from tests.factories.coupons import issue_to, make_template
from tests.factories.expiry import open_inbox, plan
from tests.factories.members import make_member
from tests.factories.orders import make_purchase, make_refund
from tests.factories.points import AT, earn, reverse, spend
from tests.factories.rollups import roll
from tests.factories.stores import make_store
from tests.merging.test_merging import ACTOR
from tests.support.statements import StatementCounter

TODAY = date(2026, 3, 10)
DAY = timedelta(days=1)
LONG_AGO = TODAY - 40 * DAY
AT_LONG_AGO = AT - 40 * DAY


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session)


def member_of(session: Session, store: Store | None, *, enrolled_at: datetime = AT_LONG_AGO) -> Member:
    member = make_member(session, enrolled_store_id=store.id if store else None, enrolled_at=enrolled_at)
    points.open_account(session, member_id=member.id, at=enrolled_at)
    return member


def check_in(session: Session, member: Member, on: date) -> None:
    values = {"streak": 1, "base": 1, "bonus": 0, "growth": 0, "plan_revision": make_plan(session)}
    session.execute(insert(CheckIn).values(member_id=member.id, checked_in_on=on, checked_in_at=AT, **values))


def figures_of(session: Session, day: date, scope: StoreScope = EVERYTHING) -> Figures:
    return figures_by_day(session, scope=scope, first=day, last=day, zone=SHANGHAI)[day]


def kept_facts(session: Session, day: date) -> int:
    """What the roll-up itself says of a day's purchases."""
    return sum(session.scalars(select(FactsOfDay.purchases_fen).where(FactsOfDay.business_on == day)))


def only(store: Store) -> StoreScope:
    return StoreScope(is_chain_wide=False, store_ids=frozenset({store.id}))


def a_full_day(session: Session, store: Store) -> None:
    """Everything that a board counts, by two members of a store and one without, today."""
    first, second, online = (
        member_of(session, store, enrolled_at=AT),
        member_of(session, store),
        member_of(session, None),
    )
    for member in (first, second, online):
        check_in(session, member, TODAY)
    earned = earn(session, first.id, 100, expires_at=AT + DAY)
    spend(session, first.id, 30)
    reverse(session, first.id, earned.entry_id, points=20)
    told = {"rule": "adjustment", "reason": "correction"}
    points.adjust(session, member_id=first.id, points=-5, reference="a:1", explanation=told, at=AT, actor="staff:1")
    plan(session, AT)
    open_inbox(session, first.id, at=AT)
    points.expire_lots(session, run="night", at=AT + 2 * DAY, zone=SHANGHAI)
    template_id = make_template(session)
    issued = [issue_to(session, online.id, template_id).coupon_id for _ in range(2)]
    use_up(session, online.id, issued[0], use=replace(use_of(), store_id=store.id))
    bought = make_purchase(online.id, store_id=store.id)
    purchases.record_purchase(session, purchase=bought, at=AT)
    purchases.record_purchase(session, purchase=make_purchase(online.id), at=AT)
    session.flush()


class TestBoard:
    def test_counts_everything_where_it_belongs(self, session: Session, store: Store) -> None:
        a_full_day(session, store)

        today = figures_of(session, TODAY, only(store))

        assert today == Figures(
            points_issued=100,
            points_spent=30,
            points_deducted=5,
            points_reversed=-20,
            new_members=1,
            active_members=2,
            check_ins=2,
            coupons_used=1,
            coupon_revenue_fen=15_000 - today.coupon_discount_fen,
            coupon_discount_fen=today.coupon_discount_fen,
            purchases=1,
            purchases_fen=10_000,
        )
        assert today.coupon_discount_fen > 0
        chain = figures_of(session, TODAY)
        assert (chain.active_members, chain.coupons_issued, chain.purchases) == (3, 2, 2)
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


class TestVerification:
    @pytest.fixture(autouse=True)
    def rolled(self, session: Session, store: Store) -> None:
        a_full_day(session, store)
        roll(session, at=AT + 9 * DAY)
        assert verify(session, zone=SHANGHAI) == []

    @pytest.mark.parametrize(
        ("tamper", "told"),
        [
            (
                update(PointsOfDay).values(points_spent=PointsOfDay.points_spent + 1),
                "points_spent is 31, its rows come to 30",
            ),
            (delete(FactsOfDay), "new_members is 0, its rows come to"),
            (update(FactsOfDay).values(purchases_fen=1), "purchases_fen is 1, its rows come to"),
        ],
    )
    def test_names_the_first_figure_that_differs(self, session: Session, tamper: object, told: str) -> None:
        session.execute(tamper)  # type: ignore[call-overload]

        assert told in verify(session, zone=SHANGHAI)[0].reason

    def test_holds_all_days_against_all_accounts(self, session: Session) -> None:
        some = select(PointsAccount.member_id).limit(1).scalar_subquery()
        session.execute(
            update(PointsAccount).where(PointsAccount.member_id == some).values(balance=PointsAccount.balance + 1)
        )

        (found,) = verify(session, zone=SHANGHAI)

        assert (found.table, found.row) == ("points_by_day", "all days")

    def test_is_green_again_after_a_rebuild(self, session: Session) -> None:
        session.execute(update(PointsOfDay).values(points_issued=1))
        session.execute(insert(FactsOfDay).values(business_on=date(2020, 1, 1), store_id=0, **dict.fromkeys(FACTS, 1)))

        rolling.forget_everything(session)
        roll(session, at=AT + 9 * DAY)

        assert verify(session, zone=SHANGHAI) == []


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
