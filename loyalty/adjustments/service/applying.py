"""Applying an approved batch (入账): a page of lines is one transaction and a handful of statements."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.adjustments.queries import BatchView, Problem, get_batch
from loyalty.adjustments.rules.batches import BatchState, Phase, Work, batch_id_of, entry_reference
from loyalty.adjustments.rules.lines import BadLine
from loyalty.adjustments.service.batches import move
from loyalty.adjustments.service.checking import write_problems
from loyalty.adjustments.service.pages import Row, list_rows, rounds_of
from loyalty.kernel import bulk
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.clock import end_of
from loyalty.kernel.database import Json
from loyalty.members.queries import LIVING
from loyalty.points.service.batches import Change, adjust_many, available_to

PAGE_ROWS = 2_000
"""Beside pages of this size members hardly feel the work; ten times as many they do."""


def apply_page(session: Session, run: BulkRun, *, zone: ZoneInfo, at: datetime) -> PageDone:
    """Adjust the points of the next members of a batch.

    Who left since the check, or has spent what is to be taken, is passed over and reported with the line.
    """
    batch = get_batch(session, batch_id=batch_id_of(run.subject))
    rows = list_rows(session, batch_id=batch.id, after_line=run.cursor, limit=PAGE_ROWS)
    gone = [row for row in rows if row.status not in LIVING]
    living = [row for row in rows if row.status in LIVING]
    short = [problem for each in rounds_of(living) for problem in _adjust(session, batch, each, zone, at)]
    problems = [*(Problem(row.line, BadLine.WHO_GONE, None) for row in gone), *short]
    write_problems(session, batch_id=batch.id, phase=Phase.APPLY, problems=problems)
    is_last = len(rows) < PAGE_ROWS
    if is_last:
        move(session, batch_id=batch.id, to=BatchState.APPLIED)
        bulk.start(session, kind=Work.TELL, subject=run.subject, total=batch.rows, at=at)
    refused = {problem.line for problem in problems}
    return PageDone(
        cursor=rows[-1].line if rows else run.cursor,
        rows=len(rows),
        is_last=is_last,
        figures=_figures([row for row in rows if row.line not in refused], len(refused)),
    )


def _adjust(session: Session, batch: BatchView, rows: Sequence[Row], zone: ZoneInfo, at: datetime) -> list[Problem]:
    changes = [
        Change(
            member_id=row.member_id,
            points=row.points,
            reference=entry_reference(batch.id, row.line),
            expires_at=_end(row.expires_on or batch.expires_on, zone),
        )
        for row in rows
    ]
    told: Json = {"rule": "adjustment", "reason": batch.reason, "batch_id": batch.id}
    refused = adjust_many(session, changes=changes, explanation=told, actor=batch.created_by, at=at)
    short = [row for row in rows if entry_reference(batch.id, row.line) in refused] if refused else []
    available = available_to(session, member_ids=[row.member_id for row in short], at=at) if short else {}
    return [Problem(row.line, BadLine.INSUFFICIENT, available.get(row.member_id, 0)) for row in short]


def _end(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else end_of(day, zone)


def _figures(applied: Sequence[Row], refused: int) -> dict[str, int]:
    return {
        "applied": len(applied),
        "refused": refused,
        "credit_points": sum(row.points for row in applied if row.points > 0),
        "debit_points": -sum(row.points for row in applied if row.points < 0),
    }
