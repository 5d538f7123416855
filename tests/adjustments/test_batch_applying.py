"""An approved batch moves the points of its members."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.adjustments import queries, service
from loyalty.adjustments.rules.batches import BatchState, Phase
from loyalty.kernel import bulk
from loyalty.kernel.clock import end_of
from loyalty.members.rules.members import MemberStatus
from loyalty.notices.models import Notice
from loyalty.points.models import LedgerEntry, Lot
from loyalty.points.rules import EntryKind
from loyalty.points.rules.expiry import LotTerms
from tests.adjustments.conftest import People
from tests.factories.adjustments import (
    AT,
    CHECKER,
    SHANGHAI,
    applied,
    approve,
    checked,
    csv_of,
    get,
    problems_of,
    work_off,
)
from tests.factories.points import assert_books_fit, balance_of, earn, lots_of, spend
from tests.support.containers import NullContainer


class TestApply:
    def test_moves_the_points_of_all_with_reason_and_expiry(
        self, container: NullContainer, session: Session, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("loyalty.adjustments.service.applying.PAGE_ROWS", 2)
        phones, members = people.make(0, 100, 0, 50, 0)
        rows = [(phones[0], 200, ""), (phones[1], -30, ""), (phones[2], 7, "2026年4月30日"), (phones[3], -50, ""),
                (phones[4], 1, "")]  # fmt: skip

        batch = applied(container, csv_of(rows), expires_on=date(2026, 12, 31))

        assert batch.state == BatchState.APPLIED
        assert [balance_of(session, member.id) for member in members] == [200, 70, 7, 0, 1]
        for member in members:
            assert_books_fit(session, member.id)
        ends = [session.scalars(select(Lot.expires_at).where(Lot.member_id == members[index].id)).one()
                for index in (0, 2)]  # fmt: skip
        assert ends == [end_of(date(2026, 12, 31), SHANGHAI), end_of(date(2026, 4, 30), SHANGHAI)]
        explanation = session.scalars(
            select(LedgerEntry.explanation).where(
                LedgerEntry.member_id == members[1].id, LedgerEntry.kind == EntryKind.ADJUST
            )
        ).one()
        assert explanation == {"rule": "adjustment", "reason": "campaign", "batch_id": batch.id}
        progress = queries.find_progress(session, batch=batch)
        assert progress is not None
        assert progress.figures == {"applied": 5, "credit_points": 208, "debit_points": 80}

    def test_debits_draw_over_lots_in_the_order_of_spending(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(40)
        earn(session, members[0].id, 30, expires_at=AT + timedelta(days=5))
        earn(session, members[0].id, 30, expires_at=AT - timedelta(days=1))
        earn(session, members[0].id, 30, available_at=AT + timedelta(days=1))
        earn(session, members[0].id, 15, terms=LotTerms(idle_days=9, idle_zone=SHANGHAI.key))
        session.commit()

        applied(container, csv_of([(phones[0], -50)]))

        assert lots_of(session, members[0].id) == [35, 0, 30, 30, 0]
        assert_books_fit(session, members[0].id)

    def test_passes_over_who_spent_or_left_meanwhile_and_reports_the_line(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(100, 100, 0)
        batch = checked(container, csv_of([(phones[0], -80), (phones[1], -80), (phones[2], 5)]))
        spend(session, members[0].id, 50)
        members[2].status = MemberStatus.CLOSED
        session.commit()
        approve(container, batch.id)

        work_off(container)

        assert balance_of(session, members[0].id) == 50
        assert balance_of(session, members[1].id) == 20
        assert problems_of(container, batch.id, Phase.APPLY) == [(2, "insufficient", 50), (4, "who_gone", None)]

    def test_gives_the_survivor_what_two_merged_members_were_to_get(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(0, 0)
        batch = checked(container, csv_of([(phones[0], 5), (phones[1], 7)]))
        members[0].status, members[0].merged_into_id = MemberStatus.MERGED, members[1].id
        session.commit()
        approve(container, batch.id)

        work_off(container)

        assert balance_of(session, members[1].id) == 12
        assert_books_fit(session, members[1].id)

    def test_tells_each_member_once(self, container: NullContainer, session: Session, people: People) -> None:
        phones, members = people.make(0, 0)

        applied(container, csv_of([(phone, 5) for phone in phones]))

        told = session.scalars(select(Notice.member_id).order_by(Notice.member_id)).all()
        assert told == [member.id for member in members]

    def test_stops_after_the_page_under_way_and_goes_on_when_told(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(0)
        batch = checked(container, csv_of([(phones[0], 5)]))
        approve(container, batch.id)
        service.pause(session, batch_id=batch.id, actor=CHECKER, at=AT)
        session.commit()

        work_off(container)
        assert get(container, batch.id).state == BatchState.APPLYING
        service.resume(session, batch_id=batch.id, actor=CHECKER, at=AT)
        session.commit()
        work_off(container)

        assert get(container, batch.id).state == BatchState.APPLIED
        assert balance_of(session, members[0].id) == 5

    def test_pauses_with_the_error_when_a_page_fails(
        self, container: NullContainer, session: Session, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phones, _members = people.make(0)
        batch = checked(container, csv_of([(phones[0], 5)]))
        approve(container, batch.id)
        monkeypatch.setattr("loyalty.adjustments.service.applying.PAGE_ROWS", "no number")

        work_off(container)

        progress = queries.find_progress(session, batch=get(container, batch.id))
        assert progress is not None
        assert (progress.state, progress.done) == (bulk.BulkState.PAUSED, 0)
        assert progress.error is not None

    def test_tells_on_when_an_error_that_paused_the_telling_is_mended(
        self, container: NullContainer, session: Session, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phones, members = people.make(0)
        batch = checked(container, csv_of([(phones[0], 5)]))
        approve(container, batch.id)
        with monkeypatch.context() as broken:
            broken.setattr("jobs.adjustments.TOLD_PER_PAGE", "no number")
            work_off(container)
        telling = queries.find_telling(session, batch_id=batch.id)
        assert telling is not None
        assert (telling.state, telling.error is None) == (bulk.BulkState.PAUSED, False)

        service.resume(session, batch_id=batch.id, actor=CHECKER, at=AT)
        session.commit()
        work_off(container)

        assert session.scalars(select(Notice.member_id)).all() == [members[0].id]
