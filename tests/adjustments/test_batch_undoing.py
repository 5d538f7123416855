"""Undoing a batch: what is left of it is taken back, and what it took is given back."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy.orm import Session

from loyalty.adjustments import queries, service
from loyalty.adjustments.rules.batches import BatchNotInState, BatchState, Phase, Work, subject_of
from loyalty.kernel import bulk
from loyalty.kernel.bulk import BulkRunNotInState
from loyalty.kernel.transaction import run
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberStatus
from loyalty.merging.service import merge
from tests.adjustments.conftest import People
from tests.factories.adjustments import (
    AT,
    CHECKER,
    SHANGHAI,
    applied,
    approve,
    checked,
    csv_of,
    problems_of,
    undone,
    work_off,
)
from tests.factories.points import assert_books_fit, balance_of, earn, lots_of, spend
from tests.support.containers import NullContainer


def become_one(session: Session, survivor: Member, other: Member) -> None:
    merge(session, survivor_id=survivor.id, other_id=other.id, actor=CHECKER, at=AT)


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

    def test_of_a_member_merged_since_takes_back_what_the_survivor_has_left_of_those_very_lots(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, (other, survivor) = people.make(0, 40)
        batch = applied(container, csv_of([(phones[0], 100)]), expires_on=date(2026, 3, 20))
        become_one(session, survivor, other)
        spend(session, survivor.id, 30)
        session.commit()

        preview = service.preview_undo(session, batch_id=batch.id)
        after = undone(container, batch.id)

        assert (preview.given, preview.left, preview.spent) == (100, 70, 30)
        assert [balance_of(session, member.id) for member in (survivor, other)] == [40, 0]
        assert problems_of(container, batch.id, Phase.UNDO) == [(2, "spent", 30)]
        progress = queries.find_progress(session, batch=after)
        assert progress is not None
        assert progress.figures == {"taken_back": 70, "spent": 30}
        for member in (survivor, other):
            assert_books_fit(session, member.id)

    def test_of_a_member_merged_twice_since_gives_and_takes_back_with_the_last_survivor(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, members = people.make(0, 50, 10, 0)
        batch = applied(container, csv_of([(phones[0], 60), (phones[1], -20)]))
        first, second, third, last = members
        become_one(session, second, first)
        earn(session, second.id, 5, expires_at=AT + timedelta(days=1))
        become_one(session, third, second)
        become_one(session, last, third)
        session.commit()

        preview = service.preview_undo(session, batch_id=batch.id)
        undone(container, batch.id)

        assert (preview.left, preview.taken) == (60, 20)
        assert [balance_of(session, member.id) for member in members] == [0, 0, 0, 50 + 10 + 5]
        assert problems_of(container, batch.id, Phase.UNDO) == []
        for member in members:
            assert_books_fit(session, member.id)

    def test_of_two_members_merged_into_each_other_since_undoes_both_lines(
        self, container: NullContainer, session: Session, people: People
    ) -> None:
        phones, (other, survivor) = people.make(0, 0)
        batch = applied(container, csv_of([(phones[0], 5), (phones[1], 7)]))
        become_one(session, survivor, other)
        session.commit()

        undone(container, batch.id)

        assert balance_of(session, survivor.id) == 0
        assert problems_of(container, batch.id, Phase.UNDO) == []

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


class TestUndoOfABatchThatStopped:
    @pytest.fixture
    def batch_id(
        self, container: NullContainer, session: Session, halves: Sequence[Member], monkeypatch: pytest.MonkeyPatch
    ) -> int:
        """A batch of two lines that was paused after the first."""
        monkeypatch.setattr("loyalty.adjustments.service.applying.PAGE_ROWS", 1)
        batch = checked(container, csv_of([(member.number, 9) for member in halves], heading="会员号,积分,到期日"))
        approve(container, batch.id)
        work = bulk.find_run(session, kind=Work.APPLY, subject=subject_of(batch.id))
        assert work is not None
        bulk.work_page(session, run_id=work.id, page=partial(service.apply_page, zone=SHANGHAI, at=AT), at=AT)
        service.pause(session, batch_id=batch.id, actor=CHECKER, at=AT)
        session.commit()
        return batch.id

    @pytest.fixture
    def halves(self, people: People) -> Sequence[Member]:
        return people.make(1, 1)[1]

    def test_takes_back_what_was_applied_and_applies_no_more(
        self, container: NullContainer, session: Session, batch_id: int, halves: Sequence[Member]
    ) -> None:
        assert [balance_of(session, member.id) for member in halves] == [10, 1]
        assert service.preview_undo(session, batch_id=batch_id).left == 9

        after = undone(container, batch_id)

        assert after.state == BatchState.UNDONE
        assert [balance_of(session, member.id) for member in halves] == [1, 1]
        assert problems_of(container, batch_id, Phase.UNDO) == []
        progress = queries.find_progress(session, batch=after)
        assert progress is not None
        assert (progress.done, progress.total, progress.figures) == (1, 1, {"taken_back": 9})

    def test_is_refused_while_it_runs(self, container: NullContainer, session: Session, batch_id: int) -> None:
        service.resume(session, batch_id=batch_id, actor=CHECKER, at=AT)
        session.commit()

        with pytest.raises(BulkRunNotInState):
            run(container.database, lambda session: service.undo(session, batch_id=batch_id, actor=CHECKER, at=AT))

    def test_cannot_be_resumed_after_it(self, container: NullContainer, session: Session, batch_id: int) -> None:
        undone(container, batch_id)

        with pytest.raises(BatchNotInState):
            service.resume(session, batch_id=batch_id, actor=CHECKER, at=AT)
