"""Checking a file (试算): every line finds its member or its reason; nothing moves."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO, Any

from sqlalchemy import CTE, BigInteger, Date, Select, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.adjustments.models import (
    FILE_CONTEXT,
    AdjustmentBatch,
    AdjustmentFile,
    AdjustmentProblem,
    AdjustmentRow,
)
from loyalty.adjustments.queries import Problem
from loyalty.adjustments.rules.batches import BatchState, Phase
from loyalty.adjustments.rules.lines import BadLine, Line
from loyalty.adjustments.service.batches import move
from loyalty.kernel import uploads
from loyalty.kernel.bulk import PageDone
from loyalty.kernel.crypto import Vault
from loyalty.members.listed import found_by_lines, sent_lines
from loyalty.members.queries import LIVING
from loyalty.points.posting import table_of
from loyalty.points.service.batches import available_to

_ROWS = table_of(AdjustmentRow)


def write_file(session: Session, *, vault: Vault, batch_id: int, into: IO[bytes]) -> None:
    """Write out the file that was uploaded for a batch."""
    owner = AdjustmentFile.batch_id
    uploads.write_out(session, owner=owner, owner_id=batch_id, vault=vault, context=FILE_CONTEXT, into=into)


def check_lines(
    session: Session, *, vault: Vault, batch_id: int, lines: Sequence[Line], cursor: int, is_last: bool, at: datetime
) -> PageDone:
    """Check some lines of a file, and with the last ones say whether the whole may be submitted."""
    good = [line for line in lines if line.bad is None]
    short = _short_of_points(session, vault, good, at)
    asked = [line for line in good if line.number not in short]
    refused = _write_rows(session, vault, batch_id, asked)
    wrong = [Problem(line.number, line.bad, None) for line in lines if line.bad is not None]
    problems = [*wrong, *short.values(), *refused.values()]
    write_problems(session, batch_id=batch_id, phase=Phase.CHECK, problems=problems)
    _count(session, batch_id, [line for line in asked if line.number not in refused], len(problems))
    if is_last:
        _close(session, batch_id, at)
    last = lines[-1].number if lines else cursor
    return PageDone(cursor=last, rows=len(lines), is_last=is_last, figures={"bad": len(problems)})


def give_up_check(session: Session, *, batch_id: int, fault: str, cursor: int, at: datetime) -> PageDone:
    """Close a batch whose file as a whole cannot be read; of what was read before nothing is kept."""
    for table in (AdjustmentRow, AdjustmentProblem, AdjustmentFile):
        session.execute(delete(table).where(table.batch_id == batch_id).execution_options(synchronize_session=False))
    nothing = dict.fromkeys(("credit_rows", "credit_points", "debit_rows", "debit_points", "bad_rows"), 0)
    move(session, batch_id=batch_id, to=BatchState.UNREADABLE, fault=fault, checked_at=at, **nothing)
    return PageDone(cursor=cursor, rows=0, is_last=True)


def write_problems(session: Session, *, batch_id: int, phase: Phase, problems: Sequence[Problem]) -> None:
    """Keep which lines met which problem."""
    if problems:
        rows = [
            {"batch_id": batch_id, "phase": phase, "line": one.line, "reason": one.reason, "figure": one.figure}
            for one in problems
        ]
        session.execute(insert(AdjustmentProblem), rows)


def _short_of_points(session: Session, vault: Vault, lines: Sequence[Line], at: datetime) -> Mapping[int, Problem]:
    """Return the lines whose members could not pay at this moment."""
    debits = [line for line in lines if line.points < 0]
    if not debits:
        return {}
    members = {row.line: row.member_id for row in session.execute(_FIND, _sent(vault, debits)) if row.status in LIVING}
    available = available_to(session, member_ids=list(members.values()), at=at)
    found = [(line, available.get(members[line.number], 0)) for line in debits if line.number in members]
    return {
        line.number: Problem(line.number, BadLine.INSUFFICIENT, left) for line, left in found if left + line.points < 0
    }


def _write_rows(session: Session, vault: Vault, batch_id: int, lines: Sequence[Line]) -> Mapping[int, Problem]:
    """Keep lines, each with its member; return those that were refused."""
    refused = session.execute(_WRITE, {"given_batch_id": batch_id, **_sent(vault, lines)}).all()
    repeated = [row.member_id for row in refused if row.status in LIVING]
    first = _first_lines(session, batch_id, repeated)
    return {row.line: _refusal(row.line, row.status, first.get(row.member_id)) for row in refused}


def _refusal(line: int, status: str | None, first_line: int | None) -> Problem:
    if status is None:
        return Problem(line, BadLine.WHO_UNKNOWN, None)
    if status not in LIVING:
        return Problem(line, BadLine.WHO_GONE, None)
    return Problem(line, BadLine.DUPLICATE, first_line)


def _sent(vault: Vault, lines: Sequence[Line]) -> Mapping[str, Any]:
    return sent_lines(vault, lines, "points", "expires_on")


def _found() -> CTE:
    return found_by_lines(points=BigInteger(), expires_on=Date())


def _write() -> Select[Any]:
    found = _found()
    names = ["line", "member_id", "points", "expires_on"]
    living = select(bindparam("given_batch_id", type_=BigInteger), *(found.c[name] for name in names))
    written = (
        insert(_ROWS)
        .from_select(["batch_id", *names], living.where(found.c.status.in_(LIVING)).order_by(found.c.line))
        .on_conflict_do_nothing()
        .returning(_ROWS.c.line)
        .cte("written")
    )
    refused = select(found.c.line, found.c.member_id, found.c.status)
    return refused.where(found.c.line.not_in(select(written.c.line))).order_by(found.c.line)


def _first_lines(session: Session, batch_id: int, member_ids: Sequence[int]) -> Mapping[int, int]:
    if not member_ids:
        return {}
    rows = session.execute(
        select(AdjustmentRow.member_id, AdjustmentRow.line).where(
            AdjustmentRow.batch_id == batch_id, AdjustmentRow.member_id.in_(member_ids)
        )
    )
    return {row.member_id: row.line for row in rows}


def _count(session: Session, batch_id: int, written: Sequence[Line], bad: int) -> None:
    credits = [line.points for line in written if line.points > 0]
    debits = [-line.points for line in written if line.points < 0]
    counted = {
        "credit_rows": len(credits),
        "credit_points": sum(credits),
        "debit_rows": len(debits),
        "debit_points": sum(debits),
        "bad_rows": bad,
    }
    session.execute(
        update(AdjustmentBatch)
        .where(AdjustmentBatch.id == batch_id)
        .values({name: getattr(AdjustmentBatch, name) + figure for name, figure in counted.items()})
        .execution_options(synchronize_session=False)
    )


def _close(session: Session, batch_id: int, at: datetime) -> None:
    bad = session.scalars(select(AdjustmentBatch.bad_rows).where(AdjustmentBatch.id == batch_id)).one()
    move(session, batch_id=batch_id, to=BatchState.FAULTY if bad else BatchState.CHECKED, checked_at=at)
    session.execute(delete(AdjustmentFile).where(AdjustmentFile.batch_id == batch_id))


_FIND, _WRITE = select(_found()), _write()
