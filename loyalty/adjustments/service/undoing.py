"""Undoing a batch (整批撤销): what is left of what it gave is taken back, and what it took is given back.

What a line moved is undone on the account where it was moved. When that member was merged since, the points are
brought back there first, and what is given back there follows the merge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, and_, func, literal_column, select
from sqlalchemy.orm import Session

from loyalty.adjustments.models import AdjustmentProblem, AdjustmentRow
from loyalty.adjustments.queries import BATCH_ENTRY, BatchEntry, BatchView, Problem, get_batch, with_entries
from loyalty.adjustments.rules.batches import (
    BatchState,
    Phase,
    Work,
    batch_id_of,
    entry_reference,
    undo_reference,
)
from loyalty.adjustments.rules.lines import BadLine
from loyalty.adjustments.service.batches import move
from loyalty.adjustments.service.checking import write_problems
from loyalty.adjustments.service.pages import Row, list_rows, rounds_of
from loyalty.kernel import bulk
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.members.models import Member
from loyalty.points import service as points
from loyalty.points.lots import FREE
from loyalty.points.moved_lots import list_moved_lots
from loyalty.points.posting import ENTRIES, LOTS
from loyalty.points.queries import find_posting
from loyalty.points.rules import EntryKind, ReversalExceedsEntry
from loyalty.points.service.batches import TakeBack, lock_accounts, take_back_many

PAGE_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """What undoing would find at this moment."""

    given: int
    left: int
    taken: int

    @property
    def spent(self) -> int:
        """What cannot be taken back any more: spent, held or expired."""
        return self.given - self.left


def preview_undo(session: Session, *, batch_id: int) -> UndoPreview:
    """Tell how much of what a batch gave is still there, and how much it took."""
    is_lot = and_(LOTS.c.member_id == ENTRIES.c.member_id, LOTS.c.entry_id == ENTRIES.c.id)
    zero = literal_column("0", BigInteger)
    sums = select(
        func.coalesce(func.sum(ENTRIES.c.points).filter(ENTRIES.c.points > 0), zero).label("given"),
        func.coalesce(func.sum(FREE), zero).label("left"),
        func.coalesce(-func.sum(ENTRIES.c.points).filter(ENTRIES.c.points < 0), zero).label("taken"),
    )
    row = session.execute(with_entries(sums, batch_id=batch_id).outerjoin(LOTS, is_lot)).one()
    of_merged = select(LOTS.c.member_id, LOTS.c.id).where(Member.merged_into_id.is_not(None), ENTRIES.c.points > 0)
    lots = session.execute(with_entries(of_merged, batch_id=batch_id).join(LOTS, is_lot)).all()
    moved = list_moved_lots(session, member_ids=[lot.member_id for lot in lots], lot_ids=[lot.id for lot in lots])
    left = int(row.left) + sum(lot.remaining for lot in moved)
    return UndoPreview(given=int(row.given), left=left, taken=int(row.taken))


def undo_page(session: Session, run: BulkRun, *, zone: ZoneInfo, at: datetime) -> PageDone:
    """Undo the next lines of a batch; of each that had been spent in part it is told how much."""
    batch = get_batch(session, batch_id=batch_id_of(run.subject))
    page = list_rows(session, batch_id=batch.id, after_line=run.cursor, limit=PAGE_ROWS)
    last_applied = _last_applied(session, run)
    rows = [row for row in page if row.line <= last_applied]
    owners = _merged_owners(session, batch.id, rows)
    lock_accounts(
        session, member_ids=[*(row.member_id for row in rows), *(owner.member_id for owner in owners.values())]
    )
    undone = _Undone(session, batch, _refused_lines(session, batch.id, rows), owners, zone, at)
    for each in rounds_of([undone.recalled(row) for row in rows if row.points > 0]):
        undone.take_back(each)
    for row in rows:
        if row.points < 0:
            undone.give_back(row)
    write_problems(session, batch_id=batch.id, phase=Phase.UNDO, problems=undone.problems)
    is_last = len(rows) < PAGE_ROWS
    if is_last:
        move(session, batch_id=batch.id, to=BatchState.UNDONE)
    cursor = rows[-1].line if rows else run.cursor
    return PageDone(cursor=cursor, rows=len(rows), is_last=is_last, figures=undone.figures)


class _Undone:
    """What one page has undone so far."""

    def __init__(
        self,
        session: Session,
        batch: BatchView,
        refused: set[int],
        owners: Mapping[int, BatchEntry],
        zone: ZoneInfo,
        at: datetime,
    ) -> None:
        self._session, self._batch, self._zone, self._at = session, batch, zone, at
        self._refused, self._owners = refused, owners
        self._told = {"rule": "reversal", "batch_id": batch.id}
        self.problems: list[Problem] = []
        self.figures = {"taken_back": 0, "spent": 0, "given_back": 0}

    def recalled(self, row: Row) -> Row:
        """Bring back what a merge has moved of what a line gave; return the line as that of whom it was given to."""
        entry = self._owners.get(row.line)
        if entry is None:
            return row
        points.recall(
            self._session,
            member_id=entry.member_id,
            entry_id=entry.entry_id,
            survivor_id=row.member_id,
            reference=undo_reference(self._batch.id, row.line),
            at=self._at,
            actor=self._batch.created_by,
        )
        return replace(row, member_id=entry.member_id)

    def take_back(self, rows: Sequence[Row]) -> None:
        """Take back what is left of what lines gave."""
        asked = {
            row.line: TakeBack(
                row.member_id, entry_reference(self._batch.id, row.line), undo_reference(self._batch.id, row.line)
            )
            for row in rows
        }
        found = take_back_many(
            self._session,
            take_backs=list(asked.values()),
            explanation=self._told,
            actor=self._batch.created_by,
            at=self._at,
        )
        for row in rows:
            taken = found.get(asked[row.line])
            if taken is None:
                self._report_not_undone(row)
                continue
            spent = taken.undone - taken.taken
            self.figures["taken_back"] += taken.taken
            self.figures["spent"] += spent
            if spent:
                self.problems.append(Problem(row.line, BadLine.SPENT, spent))

    def give_back(self, row: Row) -> None:
        """Give back what a line took, to the survivor where its member was merged since."""
        reference, entry = undo_reference(self._batch.id, row.line), self._owners.get(row.line)
        owner_id = row.member_id if entry is None else entry.member_id
        posting = find_posting(
            self._session,
            member_id=owner_id,
            kind=EntryKind.ADJUST,
            reference=entry_reference(self._batch.id, row.line),
        )
        if posting is None:
            self._report_not_undone(row)
            return
        shared: dict[str, Any] = {"reference": reference, "at": self._at, "actor": self._batch.created_by}
        try:
            returned = points.reverse(
                self._session,
                member_id=owner_id,
                entry_id=posting.entry_id,
                zone=self._zone,
                explanation={"batch_id": self._batch.id},
                **shared,
            )
        except ReversalExceedsEntry:
            self._report_not_undone(row)
            return
        self.figures["given_back"] += returned.points
        if owner_id != row.member_id:
            points.transfer(self._session, from_member_id=owner_id, to_member_id=row.member_id, **shared)

    def _report_not_undone(self, row: Row) -> None:
        if row.line not in self._refused:
            self.problems.append(Problem(row.line, BadLine.NOT_UNDONE, None))


def _last_applied(session: Session, run: BulkRun) -> int:
    """Return how far the batch was applied: not to its end where it was stopped on the way."""
    applied = bulk.find_run(session, kind=Work.APPLY, subject=run.subject)
    assert applied is not None, "what is undone was applied"
    return applied.cursor


def _merged_owners(session: Session, batch_id: int, rows: Sequence[Row]) -> Mapping[int, BatchEntry]:
    """Return, by line, the entries of a page that are of members who were merged since."""
    if not rows:
        return {}
    merged = with_entries(select(*BATCH_ENTRY), batch_id=batch_id).where(
        Member.merged_into_id.is_not(None), AdjustmentRow.line.between(rows[0].line, rows[-1].line)
    )
    survivors = {row.line: row.member_id for row in rows}
    entries = [BatchEntry(*row) for row in session.execute(merged)]
    return {entry.line: entry for entry in entries if entry.member_id != survivors[entry.line]}


def _refused_lines(session: Session, batch_id: int, rows: Sequence[Row]) -> set[int]:
    """Return the lines of a page that were never applied, so that there is nothing to undo."""
    if not rows:
        return set()
    lines = select(AdjustmentProblem.line).where(
        AdjustmentProblem.batch_id == batch_id,
        AdjustmentProblem.phase == Phase.APPLY,
        AdjustmentProblem.line.between(rows[0].line, rows[-1].line),
    )
    return set(session.scalars(lines))
