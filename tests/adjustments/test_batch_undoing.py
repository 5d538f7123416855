"""Undoing a batch: what is left of it is taken back, and what it took is given back."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from loyalty.adjustments import queries, service
from loyalty.adjustments.rules.batches import BatchNotInState, BatchState, Phase
from loyalty.kernel.transaction import run
from loyalty.members.rules.members import MemberStatus
from tests.adjustments.conftest import People
from tests.factories.adjustments import (
    AT,
    CHECKER,
    applied,
    approve,
    checked,
    csv_of,
    problems_of,
    undone,
    work_off,
)
from tests.factories.points import assert_books_fit, balance_of, lots_of, spend
from tests.support.containers import NullContainer


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

    def test_of_a_member_merged_before_the_batch_was_applied_takes_back_from_the_survivor_as_foretold(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(0, 0)
        batch = checked(container, csv_of([(phones[0], 5), (phones[1], 7)]))
        members[0].status, members[0].merged_into_id = MemberStatus.MERGED, members[1].id
        session.commit()
        approve(container, batch.id)
        work_off(container)

        preview = service.preview_undo(session, batch_id=batch.id)
        undone(container, batch.id)

        assert (preview.given, preview.left) == (12, 12)
        assert balance_of(session, members[1].id) == 0

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
