"""Batches beside live traffic: nothing is lost, nothing is taken twice."""

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from sqlalchemy.orm import Session

from loyalty.adjustments import service
from loyalty.adjustments.models import AdjustmentBatch, AdjustmentRow
from loyalty.adjustments.rules.batches import Work, subject_of
from loyalty.kernel import bulk
from loyalty.kernel.database import Database
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.points.rules import InsufficientPoints
from tests.factories.adjustments import AT, CHECKER, SHANGHAI
from tests.factories.members import make_member
from tests.factories.points import assert_books_fit, balance_of, earn, spend
from tests.support.races import at_once, beside

MEMBERS = 20
GIVEN = 100


def make_batch(database: Database, *, points: int = GIVEN) -> tuple[int, Sequence[int]]:
    """A batch for some members, approved and about to be applied."""

    def make(session: Session) -> tuple[int, Sequence[int]]:
        member_ids = [make_member(session).id for _ in range(MEMBERS)]
        batch = AdjustmentBatch(
            title="race", reason="gift", state="applying", credit_rows=MEMBERS, created_by="staff:1", created_at=AT
        )
        session.add(batch)
        session.flush()
        for line, member_id in enumerate(member_ids, start=2):
            session.add(AdjustmentRow(batch_id=batch.id, line=line, member_id=member_id, points=points))
        session.flush()
        bulk.start(session, kind=Work.APPLY, subject=subject_of(batch.id), total=MEMBERS, at=AT)
        return batch.id, member_ids

    return run(database, make)


def work(database: Database, batch_id: int, kind: Work) -> bool:
    return run(database, lambda session: step(session, batch_id, kind))


def step(session: Session, batch_id: int, kind: Work) -> bool:
    page = {Work.APPLY: service.apply_page, Work.UNDO: service.undo_page}[kind]
    found = find(session, batch_id, kind)
    return bulk.work_page(session, run_id=found.id, page=partial(page, zone=SHANGHAI, at=AT), at=AT)


def find(session: Session, batch_id: int, kind: Work) -> bulk.BulkRun:
    found = bulk.find_run(session, kind=kind, subject=subject_of(batch_id))
    assert found is not None
    return found


def make_batch_to_undo(database: Database) -> tuple[int, Sequence[int]]:
    """A batch that has been applied and is about to be undone."""
    batch_id, member_ids = make_batch(database)
    work(database, batch_id, Work.APPLY)
    run(database, lambda session: service.undo(session, batch_id=batch_id, actor=CHECKER, at=AT))
    return batch_id, member_ids


def spent(database: Database, member_id: int, points: int) -> int:
    try:
        return -run(database, lambda session: spend(session, member_id, points)).points
    except InsufficientPoints:
        return 0


def assert_fit(database: Database, member_ids: Sequence[int]) -> None:
    for member_id in member_ids:
        run(database, lambda session, member_id=member_id: assert_books_fit(session, member_id))


def balances(database: Database, member_ids: Sequence[int]) -> list[int]:
    return run(database, lambda session: [balance_of(session, member_id) for member_id in member_ids])


def test_a_page_that_two_workers_take_at_once_is_applied_once(committed_database: Database) -> None:
    batch_id, member_ids = make_batch(committed_database)

    at_once([partial(work, committed_database, batch_id, Work.APPLY) for _ in range(4)])

    assert balances(committed_database, member_ids) == [GIVEN] * MEMBERS
    assert_fit(committed_database, member_ids)


def test_applying_beside_earning_loses_nothing_though_both_open_the_accounts(committed_database: Database) -> None:
    batch_id, member_ids = make_batch(committed_database)

    def earned(member_id: int) -> object:
        return run(committed_database, lambda session: earn(session, member_id, 5))

    acts: list[Callable[[], object]] = [partial(work, committed_database, batch_id, Work.APPLY)]

    at_once(acts + [partial(earned, member_id) for member_id in reversed(member_ids)])

    assert balances(committed_database, member_ids) == [GIVEN + 5] * MEMBERS
    assert_fit(committed_database, member_ids)


def test_debiting_beside_spending_takes_from_each_once(committed_database: Database) -> None:
    batch_id, member_ids = make_batch(committed_database, points=-60)
    run(committed_database, lambda session: [earn(session, member_id, GIVEN) for member_id in member_ids])
    acts: list[Callable[[], object]] = [partial(work, committed_database, batch_id, Work.APPLY)]
    acts += [partial(spent, committed_database, member_id, 60) for member_id in member_ids]

    at_once(acts)

    assert balances(committed_database, member_ids) == [GIVEN - 60] * MEMBERS
    assert_fit(committed_database, member_ids)


def test_undoing_beside_spending_takes_back_exactly_what_is_left(committed_database: Database) -> None:
    batch_id, member_ids = make_batch_to_undo(committed_database)
    acts: list[Callable[[], object]] = [partial(work, committed_database, batch_id, Work.UNDO)]
    acts += [partial(spent, committed_database, member_id, 30) for member_id in reversed(member_ids)]

    results = at_once(acts)

    paid = sum(result for result in results[1:] if isinstance(result, int))
    found = run(committed_database, lambda session: find(session, batch_id, Work.UNDO))
    assert found.figures["taken_back"] == MEMBERS * GIVEN - paid
    assert balances(committed_database, member_ids) == [0] * MEMBERS
    assert_fit(committed_database, member_ids)


def test_undoing_while_a_spend_is_under_way_takes_back_what_that_leaves(committed_database: Database) -> None:
    batch_id, member_ids = make_batch_to_undo(committed_database)

    beside(
        committed_database,
        lambda session: spend(session, member_ids[3], 30),
        lambda session: step(session, batch_id, Work.UNDO),
    )

    found = run(committed_database, lambda session: find(session, batch_id, Work.UNDO))
    assert (found.figures["taken_back"], found.figures["spent"]) == (MEMBERS * GIVEN - 30, 30)
    assert balances(committed_database, member_ids) == [0] * MEMBERS
    assert_fit(committed_database, member_ids)


def test_spending_while_an_undo_is_under_way_finds_nothing_left(committed_database: Database) -> None:
    batch_id, member_ids = make_batch_to_undo(committed_database)

    with pytest.raises(InsufficientPoints):
        beside(
            committed_database,
            lambda session: step(session, batch_id, Work.UNDO),
            lambda session: spend(session, member_ids[3], 30),
        )

    assert balances(committed_database, member_ids) == [0] * MEMBERS
    assert_fit(committed_database, member_ids)


def test_two_who_undo_at_once_undo_once(committed_database: Database) -> None:
    batch_id, _member_ids = make_batch(committed_database)
    work(committed_database, batch_id, Work.APPLY)

    def undo() -> None:
        run(committed_database, lambda session: service.undo(session, batch_id=batch_id, actor=CHECKER, at=AT))

    results = at_once([undo] * 8)

    assert [isinstance(result, LoyaltyError) for result in results].count(False) == 1
