"""Expiry: lots end when they should, are booked out once, and never without a word."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from loyalty.kernel.clock import end_of
from loyalty.points import queries, service
from loyalty.points.expiry_models import LotEvidence, LotGrace
from loyalty.points.models import LedgerEntry, Lot
from loyalty.points.rules import EntryKind, InsufficientPoints
from loyalty.points.rules.expiry import GRACE_DAYS, LotTerms
from loyalty.points.service import transfer
from loyalty.points.statement import list_entries
from tests.factories.expiry import SHANGHAI, accept, expire, grace, open_inbox, plan, told_member
from tests.factories.members import make_member
from tests.factories.points import AT, assert_books_fit, balance_of, capture, earn, lots_of, place, reverse, spend

DAY = timedelta(days=1)
TONIGHT = end_of(date(2026, 3, 10), SHANGHAI)
EVENING = TONIGHT - timedelta(hours=4)
GRACED = end_of(date(2026, 3, 10) + GRACE_DAYS * DAY, SHANGHAI)
INSTANT = timedelta(microseconds=1)


def ends_of(session: Session, member_id: int) -> list[datetime | None]:
    return list(session.scalars(select(Lot.expires_at).where(Lot.member_id == member_id).order_by(Lot.id)))


def expiries_of(session: Session, member_id: int) -> list[LedgerEntry]:
    query = select(LedgerEntry).where(LedgerEntry.member_id == member_id, LedgerEntry.kind == EntryKind.EXPIRE)
    return list(session.scalars(query.order_by(LedgerEntry.sequence)))


class TestExpireLots:
    def test_takes_what_ended_in_one_entry_and_says_that_the_member_was_told(self, session: Session) -> None:
        member_id = told_member(session, (100, TONIGHT), (50, TONIGHT), (30, TONIGHT + DAY))
        spend(session, member_id, 20)

        assert expire(session, TONIGHT) == 130

        (entry,) = expiries_of(session, member_id)
        assert (entry.points, entry.occurred_at) == (-130, TONIGHT)
        assert lots_of(session, member_id) == [0, 0, 30]
        assert list_entries(session, member_id=member_id).items[0].reason == "130积分已到期，到期前已提醒"
        assert_books_fit(session, member_id)

    def test_leaves_alone_what_lives_for_another_instant(self, session: Session) -> None:
        told_member(session, (100, TONIGHT))

        assert expire(session, TONIGHT - INSTANT) == 0

    def test_twice_in_a_run_books_out_once_and_what_ended_since_in_the_next(self, session: Session) -> None:
        member_id = told_member(session, (100, TONIGHT), (50, TONIGHT + INSTANT))

        assert expire(session, TONIGHT, run="one") == 100
        assert expire(session, TONIGHT + DAY, run="one") == 0
        assert expire(session, TONIGHT + DAY, run="two") == 50
        assert [entry.points for entry in expiries_of(session, member_id)] == [-100, -50]

    def test_goes_on_page_by_page_over_all_members(self, session: Session) -> None:
        members = [told_member(session, (10, TONIGHT)) for _ in range(5)]

        assert expire(session, TONIGHT, limit=2) == 50
        assert [balance_of(session, member_id) for member_id in members] == [0] * 5

    def test_does_not_take_what_a_hold_binds_until_it_is_released(self, session: Session) -> None:
        member_id = told_member(session, (100, TONIGHT))
        service.place(
            session, member_id=member_id, points=40, reference="till:1", expires_at=TONIGHT + DAY / 2, at=EVENING
        )

        assert expire(session, TONIGHT) == 60
        assert expire(session, TONIGHT + DAY) == 40
        assert_books_fit(session, member_id)

    def test_is_no_activity(self, session: Session) -> None:
        member_id = told_member(session, (100, TONIGHT))
        earn(session, member_id, 5, terms=LotTerms(idle_days=1, idle_zone=SHANGHAI.key))

        expire(session, TONIGHT)

        assert queries.summary(session, member_id=member_id, at=TONIGHT + DAY - INSTANT).available == 5
        assert queries.summary(session, member_id=member_id, at=TONIGHT + DAY).available == 0


class TestEvidence:
    @pytest.mark.parametrize("state", ["sent", "delivered"])
    def test_is_a_message_that_wechat_accepted(self, session: Session, state: str) -> None:
        member = make_member(session)
        earn(session, member.id, 100, expires_at=TONIGHT)
        plan(session, AT)
        accept(session, member, at=AT, state=state)

        assert grace(session, EVENING) == 0

        evidence = session.scalars(select(LotEvidence).where(LotEvidence.member_id == member.id)).one()
        assert (evidence.channel, evidence.expires_on) == ("template", date(2026, 3, 10))
        assert expire(session, TONIGHT) == 100

    @pytest.mark.parametrize("state", ["sending", "refused", "failed", "unknown"])
    def test_is_no_message_that_may_not_have_arrived(self, session: Session, state: str) -> None:
        member = make_member(session)
        earn(session, member.id, 100, expires_at=TONIGHT)
        plan(session, AT)
        accept(session, member, at=AT, state=state)

        assert grace(session, EVENING) == 1

    def test_covers_only_the_lots_that_the_message_told_of(self, session: Session) -> None:
        member_id = told_member(session, (100, TONIGHT))
        earn(session, member_id, 7, expires_at=TONIGHT)

        assert grace(session, EVENING) == 1
        assert ends_of(session, member_id) == [TONIGHT, GRACED]

    def test_of_an_earlier_day_does_not_count_for_a_later_one(self, session: Session) -> None:
        told_member(session, (100, TONIGHT))
        session.execute(text("UPDATE lots SET expires_at = :at"), {"at": TONIGHT + DAY})

        assert grace(session, EVENING + DAY) == 1

    def test_that_came_too_late_is_none(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 100, expires_at=TONIGHT)
        plan(session, AT)
        open_inbox(session, member.id, at=TONIGHT)

        assert expire(session, TONIGHT + DAY) == 0
        assert queries.summary(session, member_id=member.id, at=TONIGHT + DAY).available == 100

    def test_outlives_the_messages(self, session: Session) -> None:
        member_id = told_member(session, (100, TONIGHT))
        grace(session, EVENING)
        session.execute(text("DELETE FROM notices"))

        assert expire(session, TONIGHT) == 100
        assert_books_fit(session, member_id)


class TestGraces:
    def test_move_the_last_day_before_it_comes_and_never_stop_the_spending(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 100, expires_at=TONIGHT)

        assert (grace(session, EVENING), grace(session, EVENING)) == (1, 0)

        assert ends_of(session, member.id) == [GRACED]
        assert queries.summary(session, member_id=member.id, at=TONIGHT).available == 100

    def test_are_two_and_the_entry_says_so(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 100, expires_at=TONIGHT)
        at = EVENING
        for _ in range(2):
            assert grace(session, at) == 1
            at += GRACE_DAYS * DAY

        assert grace(session, at) == 0
        assert expire(session, at + DAY) == 100

        reason = list_entries(session, member_id=member.id).items[0].reason
        assert reason == "100积分已到期，曾两次延期并留有站内提醒，按入会时告知的规则到期"
        assert_books_fit(session, member.id)

    def test_come_late_when_the_job_did_and_the_points_live_again(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 100, expires_at=TONIGHT)
        late = TONIGHT + 3 * DAY

        assert expire(session, late) == 0

        given = session.scalars(select(LotGrace).where(LotGrace.member_id == member.id)).one()
        assert (given.number, given.from_at, given.granted_at) == (1, TONIGHT, late)
        assert spend(session, member.id, 100, at=late).balance_after == 0

    def test_come_before_a_refund_that_would_end_the_rest_of_a_lot(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 100, expires_at=TONIGHT)
        spent = spend(session, member.id, 40)

        reverse(session, member.id, spent.entry_id, at=TONIGHT + DAY)

        assert queries.summary(session, member_id=member.id, at=TONIGHT + DAY).available == 100
        assert_books_fit(session, member.id)

    def test_are_for_points_that_are_left(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 100, expires_at=TONIGHT)
        spend(session, member.id, 100)

        assert grace(session, EVENING) == 0


class TestSinceLastActivity:
    TERMS = LotTerms(idle_days=30, idle_zone=SHANGHAI.key)
    LAST = end_of(date(2026, 3, 10) + 30 * DAY, SHANGHAI)

    def test_points_are_unspendable_from_the_instant_without_any_job(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 100, terms=self.TERMS)

        spend(session, member.id, 1, at=AT)
        assert queries.summary(session, member_id=member.id, at=self.LAST - INSTANT).available == 99
        with pytest.raises(InsufficientPoints):
            spend(session, member.id, 1, at=self.LAST)

    @pytest.mark.parametrize("is_earned", [True, False], ids=["by earning", "by spending"])
    def test_activity_lets_them_live_on_without_touching_the_lot(self, session: Session, is_earned: bool) -> None:
        member = make_member(session)
        earn(session, member.id, 100, terms=self.TERMS)

        (earn if is_earned else spend)(session, member.id, 1, at=AT + 20 * DAY)

        assert ends_of(session, member.id)[0] is None
        assert queries.summary(session, member_id=member.id, at=self.LAST + 20 * DAY - INSTANT).available >= 99

    @pytest.mark.parametrize("is_held", [False, True])
    def test_they_are_spent_in_the_order_of_the_end_that_the_spending_leaves_them(
        self, session: Session, is_held: bool
    ) -> None:
        member = make_member(session)
        idle = LotTerms(idle_days=60, idle_zone=SHANGHAI.key)
        for days, terms in ((90, None), (0, None), (10, None), (0, self.TERMS), (0, idle)):
            earn(session, member.id, 100, expires_at=AT + days * DAY if days else None, terms=terms)

        if is_held:
            place(session, member.id, 250, reference="order:1")
            spent = capture(session, member.id, reference="order:1")
        else:
            spent = spend(session, member.id, 250, reference="order:1")

        assert lots_of(session, member.id) == [100, 100, 0, 0, 50]
        reverse(session, member.id, spent.entry_id, points=120)
        assert lots_of(session, member.id) == [100, 100, 0, 70, 100]
        assert_books_fit(session, member.id)

    def test_what_lapsed_before_an_activity_stays_lapsed(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 100, terms=self.TERMS)

        earn(session, member.id, 1, at=self.LAST)

        assert queries.summary(session, member_id=member.id, at=self.LAST).available == 1
        assert ends_of(session, member.id)[0] == self.LAST

    def test_what_lapsed_does_not_live_again_by_a_merge(self, session: Session) -> None:
        merged, survivor = make_member(session), make_member(session)
        earn(session, merged.id, 100, terms=self.TERMS)
        earn(session, survivor.id, 1, at=self.LAST)

        transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=self.LAST)

        assert queries.summary(session, member_id=survivor.id, at=self.LAST).available == 1

    def test_they_are_told_graced_and_booked_out_like_others(self, session: Session) -> None:
        member = make_member(session)
        earn(session, member.id, 100, terms=self.TERMS)
        assert plan(session, self.LAST - 7 * DAY - DAY / 2) == 1
        assert grace(session, self.LAST - DAY / 2) == 1
        assert queries.summary(session, member_id=member.id, at=self.LAST).available == 100
        last = self.LAST + GRACE_DAYS * DAY
        assert plan(session, last - DAY / 2) == 1
        open_inbox(session, member.id, at=last - DAY / 2)

        assert expire(session, last - INSTANT) == 0
        assert expire(session, last) == 100
        assert_books_fit(session, member.id)
