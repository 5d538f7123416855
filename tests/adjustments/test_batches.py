"""A batch from the file to the end: checked, approved by another person, applied, undone."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.adjustments import files, queries, service
from loyalty.adjustments.models import AdjustmentFile, AdjustmentRow
from loyalty.adjustments.rules.batches import BatchNotInState, BatchState, Phase, Work
from loyalty.approvals.rules import ApprovalByMaker
from loyalty.kernel import bulk
from loyalty.kernel.clock import end_of
from loyalty.kernel.transaction import run
from loyalty.members.rules.members import MemberStatus
from loyalty.notices.models import Notice
from loyalty.points.models import LedgerEntry, Lot
from loyalty.points.rules import EntryKind
from tests.adjustments.conftest import People
from tests.factories.adjustments import (
    AT,
    CHECKER,
    MAKER,
    SHANGHAI,
    applied,
    approve,
    checked,
    csv_of,
    get,
    problems_of,
    undone,
    upload,
    work_off,
    workbook_of,
)
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn, lots_of, spend
from tests.support.containers import NullContainer


class TestCheck:
    def test_of_a_right_file_tells_its_totals_and_moves_nothing(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(0, 100)

        batch = checked(container, csv_of([(phones[0], 200), (phones[1], -30)]))

        assert (batch.state, batch.bad_rows) == (BatchState.CHECKED, 0)
        assert (batch.credit_rows, batch.credit_points, batch.debit_rows, batch.debit_points) == (1, 200, 1, 30)
        assert balance_of(session, members[1].id) == 100

    def test_names_every_wrong_line_with_its_reason(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(0, 100)
        closed = make_member(session, status=MemberStatus.CLOSED, phone=None)
        session.commit()

        batch = checked(
            container,
            csv_of(
                [
                    (phones[0], 200),
                    (phones[0][3:], 5),
                    (members[0].number, 5),
                    (phones[1], -101),
                    ("13900000000", 5),
                    (closed.number, 5),
                    (phones[1], "1.5"),
                ]
            ),
        )

        assert batch.state == BatchState.FAULTY
        assert batch.bad_rows == 6
        assert problems_of(container, batch.id) == [
            (3, "duplicate", 2),
            (4, "duplicate", 2),
            (5, "insufficient", 100),
            (6, "who_unknown", None),
            (7, "who_gone", None),
            (8, "points_decimal", None),
        ]

    def test_keeps_ids_and_points_and_deletes_the_file(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(0)
        batch_id = upload(session, csv_of([(phones[0], 7)]))
        session.commit()
        sealed = session.scalars(select(AdjustmentFile.content_sealed)).one()

        work_off(container)

        assert phones[0].encode() not in sealed
        assert session.scalar(select(func.count()).select_from(AdjustmentFile)) == 0
        rows = session.execute(select(AdjustmentRow.member_id, AdjustmentRow.points))
        assert [tuple(row) for row in rows] == [(members[0].id, 7)]
        assert get(container, batch_id).rows == 1

    def test_of_a_file_that_turns_out_too_long_keeps_nothing_of_it(
        self, container: NullContainer, session: Session, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phones, _members = people.make(0, 0, 0)
        monkeypatch.setattr(files, "ROWS_MAX", 2)
        monkeypatch.setattr("jobs.adjustments.LINES_PER_PAGE", 1)

        batch = checked(container, csv_of([(phone, 5) for phone in phones]))

        assert (batch.state, batch.fault, batch.rows) == (BatchState.UNREADABLE, "too_many_rows", 0)
        assert session.scalar(select(func.count()).select_from(AdjustmentRow)) == 0
        with pytest.raises(BatchNotInState):
            service.submit(session, batch_id=batch.id, actor=MAKER, at=AT)

    def test_goes_on_after_the_pages_that_a_killed_worker_left(
        self, container: NullContainer, session: Session, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("jobs.adjustments.LINES_PER_PAGE", 2)
        phones, _members = people.make(0, 0, 0, 0, 0)
        batch_id = upload(session, workbook_of([(phone, 5) for phone in [*phones, phones[0]]]))
        session.commit()
        monkeypatch.setattr("jobs.bulk.SLICE_SECONDS", 0.0)

        work_off(container)

        batch = get(container, batch_id)
        assert (batch.credit_rows, batch.credit_points, batch.bad_rows) == (5, 25, 1)


class TestApproval:
    def test_is_given_by_another_person_than_the_maker(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, _members = people.make(0)
        batch = checked(container, csv_of([(phones[0], 5)]))
        service.submit(session, batch_id=batch.id, actor=CHECKER, at=AT)

        session.commit()

        for maker in (MAKER, CHECKER):
            with pytest.raises(ApprovalByMaker):
                run(
                    container.database,
                    lambda session, maker=maker: service.decide(
                        session, batch_id=batch.id, is_approved=True, actor=maker, at=AT
                    ),
                )

    def test_is_not_asked_for_with_a_wrong_line(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, _members = people.make(0)
        batch = checked(container, csv_of([(phones[0], 5), ("13900000000", 5)]))

        with pytest.raises(BatchNotInState):
            service.submit(session, batch_id=batch.id, actor=MAKER, at=AT)

    def test_refused_moves_nothing_for_ever(self, container: NullContainer, session: Session, people: People) -> None:
        phones, members = people.make(10)
        batch = checked(container, csv_of([(phones[0], 5)]))
        service.submit(session, batch_id=batch.id, actor=MAKER, at=AT)
        service.decide(session, batch_id=batch.id, is_approved=False, actor=CHECKER, at=AT)
        session.commit()

        work_off(container)

        assert get(container, batch.id).state == BatchState.REFUSED
        assert balance_of(session, members[0].id) == 10
        with pytest.raises(BatchNotInState):
            service.decide(session, batch_id=batch.id, is_approved=True, actor=CHECKER, at=AT)


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
        progress = queries.find_work(session, batch_id=batch.id, work=Work.APPLY)
        assert progress is not None
        assert progress.figures == {"applied": 5, "credit_points": 208, "debit_points": 80}

    def test_debits_draw_over_lots_in_the_order_of_spending(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(40)
        earn(session, members[0].id, 30, expires_at=AT + timedelta(days=5))
        earn(session, members[0].id, 30, expires_at=AT - timedelta(days=1))
        earn(session, members[0].id, 30, available_at=AT + timedelta(days=1))
        session.commit()

        applied(container, csv_of([(phones[0], -50)]))

        assert lots_of(session, members[0].id) == [20, 0, 30, 30]
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


class TestUndo:
    def test_takes_back_what_is_left_and_reports_what_was_spent(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(0, 0, 0)
        batch = applied(container, csv_of([(phone, 100) for phone in phones]))
        spend(session, members[1].id, 30)
        spend(session, members[2].id, 100)
        session.commit()

        preview = service.preview_undo(session, batch_id=batch.id)
        after = undone(container, batch.id)

        assert (preview.given, preview.left, preview.spent, preview.taken) == (300, 170, 130, 0)
        assert after.state == BatchState.UNDONE
        assert [balance_of(session, member.id) for member in members] == [0, 0, 0]
        assert problems_of(container, batch.id, Phase.UNDO) == [(3, "spent", 30), (4, "spent", 100)]
        progress = queries.find_progress(session, batch=after)
        assert progress is not None
        assert progress.figures == {"taken_back": 170, "spent": 130}
        for member in members:
            assert_books_fit(session, member.id)

    def test_leaves_points_that_did_not_come_from_the_batch(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(40)
        batch = applied(container, csv_of([(phones[0], 10)]), expires_on=date(2026, 3, 20))
        spend(session, members[0].id, 10)
        session.commit()

        undone(container, batch.id)

        assert balance_of(session, members[0].id) == 40

    def test_gives_back_what_was_taken_to_the_lots_it_came_from(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(100)
        batch = applied(container, csv_of([(phones[0], -60)]))

        undone(container, batch.id)

        assert lots_of(session, members[0].id) == [100]
        assert_books_fit(session, members[0].id)

    def test_of_a_line_that_was_passed_over_does_nothing(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(100)
        batch = checked(container, csv_of([(phones[0], -80)]))
        spend(session, members[0].id, 50)
        session.commit()
        approve(container, batch.id)
        work_off(container)

        undone(container, batch.id)

        assert balance_of(session, members[0].id) == 50
        assert problems_of(container, batch.id, Phase.UNDO) == []

    def test_happens_once(self, container: NullContainer, session: Session, people: People) -> None:
        phones, members = people.make(0)
        batch = applied(container, csv_of([(phones[0], 100)]))
        undone(container, batch.id)

        with pytest.raises(BatchNotInState):
            run(container.database, lambda session: service.undo(session, batch_id=batch.id, actor=CHECKER, at=AT))

        assert balance_of(session, members[0].id) == 0
