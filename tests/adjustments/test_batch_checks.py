"""The check of a file and the approval by another person: nothing moves before both."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import context
from jobs.bulk import KINDS, Kind, perform
from loyalty.adjustments import queries, service
from loyalty.adjustments.models import AdjustmentFile, AdjustmentRow
from loyalty.adjustments.rules.batches import BatchNotInState, BatchState, Work
from loyalty.approvals.rules import ApprovalByMaker
from loyalty.kernel import bulk, sheets
from loyalty.kernel.transaction import run
from loyalty.members.rules.members import MemberStatus
from tests.adjustments.conftest import People
from tests.factories.adjustments import (
    AT,
    CHECKER,
    MAKER,
    checked,
    csv_of,
    get,
    problems_of,
    upload,
    work_off,
    workbook_of,
)
from tests.factories.members import make_member
from tests.factories.points import balance_of
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

    def test_that_failed_is_resumed_from_where_it_stopped(
        self, container: NullContainer, session: Session, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phones, _members = people.make(0)
        with monkeypatch.context() as broken:
            broken.setattr("jobs.adjustments.LINES_PER_PAGE", "no number")
            batch = checked(container, csv_of([(phones[0], 5)]))
        progress = queries.find_progress(session, batch=batch)
        assert progress is not None
        assert progress.state == bulk.BulkState.PAUSED

        service.resume(session, batch_id=batch.id, actor=CHECKER, at=AT)
        session.commit()
        work_off(container)

        assert get(container, batch.id).state == BatchState.CHECKED

    def test_of_a_file_that_turns_out_too_long_keeps_nothing_of_it(
        self, container: NullContainer, session: Session, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phones, _members = people.make(0, 0, 0)
        monkeypatch.setattr(sheets, "ROWS_MAX", 2)
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
        with monkeypatch.context() as a_page_only:
            a_page_only.setattr("jobs.bulk.KINDS", {Work.CHECK: Kind(KINDS[Work.CHECK].steps, slice_seconds=-1.0)})
            context.use(container)
            (run_id,) = run(container.database, bulk.list_running)
            perform(run_id)
        assert get(container, batch_id).credit_rows == 2

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
