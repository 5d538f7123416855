"""Checking a file (试算): every line finds its member or its reason; nothing moves."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import IO, Any

from sqlalchemy import ARRAY, BigInteger, Date, LargeBinary, String, bindparam, delete, func, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

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
from loyalty.kernel.bulk import PageDone
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import LIVING
from loyalty.points.posting import table_of
from loyalty.points.service.batches import available_to

PHONE_CONTEXT = "members.phone"
_ROWS = table_of(AdjustmentRow)
_Given = tuple[Line, int]


def write_file(session: Session, *, vault: Vault, batch_id: int, into: IO[bytes]) -> None:
    """Write out the file that was uploaded for a batch."""
    parts = session.scalars(
        select(AdjustmentFile.id).where(AdjustmentFile.batch_id == batch_id).order_by(AdjustmentFile.id)
    ).all()
    for part_id in parts:
        sealed = session.scalars(select(AdjustmentFile.content_sealed).where(AdjustmentFile.id == part_id)).one()
        into.write(base64.b64decode(vault.open(sealed, context=FILE_CONTEXT)))


def check_lines(
    session: Session, *, vault: Vault, batch_id: int, lines: Sequence[Line], cursor: int, is_last: bool, at: datetime
) -> PageDone:
    """Check some lines of a file, and with the last ones say whether the whole may be submitted."""
    given, problems = _with_members(session, vault, lines)
    given, short = _with_points(session, given, at)
    written, repeated = _write_rows(session, batch_id, given)
    problems = [*problems, *short, *repeated]
    write_problems(session, batch_id=batch_id, phase=Phase.CHECK, problems=problems)
    _count(session, batch_id, written, len(problems))
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


def _with_members(session: Session, vault: Vault, lines: Sequence[Line]) -> tuple[list[_Given], list[Problem]]:
    problems = [Problem(line.number, line.bad, None) for line in lines if line.bad is not None]
    asked = [line for line in lines if line.bad is None]
    found = _find_members(session, vault, asked)
    given: list[_Given] = []
    for line in asked:
        member_id, status = found.get(line.number, (0, None))
        if status is None:
            problems.append(Problem(line.number, BadLine.WHO_UNKNOWN, None))
        elif status not in LIVING:
            problems.append(Problem(line.number, BadLine.WHO_GONE, None))
        else:
            given.append((line, member_id))
    return given, problems


def _find_members(session: Session, vault: Vault, lines: Sequence[Line]) -> Mapping[int, tuple[int, str]]:
    numbered = [line for line in lines if line.member_number is not None]
    phoned = [(line.number, line.phone) for line in lines if line.phone is not None]
    named = {
        "numbered_lines": [line.number for line in numbered],
        "numbers": [line.member_number for line in numbered],
        "phoned_lines": [number for number, _phone in phoned],
        "indexes": [vault.index(phone, context=PHONE_CONTEXT) for _number, phone in phoned],
    }
    return {row.line: (row.id, row.status) for row in session.execute(_FIND, named)}


def _find() -> Any:
    survivor = aliased(Member)

    def by(column: Any, lines: str, values: str, type_: Any) -> Any:
        arrays = (bindparam(lines, type_=ARRAY(BigInteger)), bindparam(values, type_=ARRAY(type_)))
        given = func.unnest(*arrays).table_valued("line", "value", name=f"given_{values}").render_derived()
        return (
            select(given.c.line, survivor.id, survivor.status)
            .join_from(given, Member, column == given.c.value)
            .join(survivor, survivor.id == func.coalesce(Member.merged_into_id, Member.id))
        )

    return union_all(
        by(Member.number, "numbered_lines", "numbers", String),
        by(Member.phone_index, "phoned_lines", "indexes", LargeBinary),
    )


def _with_points(session: Session, given: list[_Given], at: datetime) -> tuple[list[_Given], list[Problem]]:
    """Leave out who could not pay at this moment."""
    debited = [member_id for line, member_id in given if line.points < 0]
    available = available_to(session, member_ids=debited, at=at) if debited else {}
    short = {
        line.number: available.get(member_id, 0)
        for line, member_id in given
        if available.get(member_id, 0) + line.points < 0 and line.points < 0
    }
    problems = [Problem(number, BadLine.INSUFFICIENT, left) for number, left in short.items()]
    return [one for one in given if one[0].number not in short], problems


def _write_rows(session: Session, batch_id: int, given: list[_Given]) -> tuple[list[Line], list[Problem]]:
    named = {
        "given_batch_id": batch_id,
        "lines": [line.number for line, _member_id in given],
        "member_ids": [member_id for _line, member_id in given],
        "amounts": [line.points for line, _member_id in given],
        "days": [line.expires_on for line, _member_id in given],
    }
    written = set(session.scalars(_WRITE, named))
    repeated = [(line, member_id) for line, member_id in given if line.number not in written]
    first = _first_lines(session, batch_id, [member_id for _line, member_id in repeated])
    problems = [Problem(line.number, BadLine.DUPLICATE, first[member_id]) for line, member_id in repeated]
    return [line for line, _member_id in given if line.number in written], problems


def _write() -> Any:
    arrays = [
        bindparam(name, type_=ARRAY(type_))
        for name, type_ in (("lines", BigInteger), ("member_ids", BigInteger), ("amounts", BigInteger), ("days", Date))
    ]
    columns = ("line", "member_id", "points", "expires_on")
    given = func.unnest(*arrays).table_valued(*columns, name="given").render_derived()
    values = select(bindparam("given_batch_id", type_=BigInteger), *(given.c[name] for name in columns))
    return (
        insert(_ROWS)
        .from_select(["batch_id", *columns], values.order_by(given.c.line))
        .on_conflict_do_nothing()
        .returning(_ROWS.c.line)
    )


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


_FIND, _WRITE = _find(), _write()
