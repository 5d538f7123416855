"""Lines of a file: which cell is what, who is meant, how many points, until when; every refusal with its reason.

A line is refused as a whole, and its text is never kept: what is stored of a file are ids and figures.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

from loyalty.adjustments.rules.single import YEAR_MAX
from loyalty.kernel.sheets import Cell, cell_of, text_of
from loyalty.members.rules.naming import HEADINGS, NamesNobody, heading_of, is_formula, named_by
from loyalty.points.rules import POINTS_MAX

_WHOLE = re.compile(r"[+-]?[0-9]{1,12}")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+")
_DECIMAL = re.compile(r"[+-]?[0-9]*[.][0-9]*")
_DATE = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?: 00:00(?::00)?)?")


class BadLine(StrEnum):
    """Why a line is refused, at the check or later."""

    WHO_MISSING = "who_missing"
    WHO_INVALID = "who_invalid"
    WHO_SCIENTIFIC = "who_scientific"
    WHO_UNKNOWN = "who_unknown"
    WHO_GONE = "who_gone"
    DUPLICATE = "duplicate"
    POINTS_MISSING = "points_missing"
    POINTS_INVALID = "points_invalid"
    POINTS_DECIMAL = "points_decimal"
    POINTS_ZERO = "points_zero"
    POINTS_TOO_LARGE = "points_too_large"
    DATE_INVALID = "date_invalid"
    DATE_PAST = "date_past"
    FORMULA = "formula"
    INSUFFICIENT = "insufficient"
    SPENT = "spent"
    """Not a bad line: of what it gave, so much was spent before it was undone."""
    NOT_UNDONE = "not_undone"
    """Its member was merged or its points were undone before."""


class Column(StrEnum):
    """What a column holds."""

    WHO = "who"
    POINTS = "points"
    EXPIRES_ON = "expires_on"


_HEADINGS = {
    **dict.fromkeys(HEADINGS, Column.WHO),
    "积分": Column.POINTS,
    "points": Column.POINTS,
    "到期日": Column.EXPIRES_ON,
    "有效期至": Column.EXPIRES_ON,
    "expires_on": Column.EXPIRES_ON,
}
WITHOUT_HEADING = {Column.WHO: 0, Column.POINTS: 1, Column.EXPIRES_ON: 2}


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says: a member number or a phone, points, and until when; or why it is refused."""

    number: int
    """Of the line in its file, from 1."""
    member_number: str | None = None
    phone: str | None = None
    points: int = 0
    expires_on: date | None = None
    bad: BadLine | None = None


class _Refused(Exception):
    def __init__(self, bad: BadLine) -> None:
        super().__init__(bad)
        self.bad = bad


def columns_of(first: Sequence[Cell]) -> dict[Column, int] | None:
    """Return which column is where if the first line is a heading; ``None`` when it is a line like the others."""
    found: dict[Column, int] = {}
    for index, cell in enumerate(first):
        column = _HEADINGS.get(heading_of(cell))
        if column is not None:
            found.setdefault(column, index)
    return found if {Column.WHO, Column.POINTS} <= set(found) else None


def line_of(number: int, cells: Sequence[Cell], columns: Mapping[Column, int], *, today: date) -> Line:
    """Read one line; a wrong one says why."""

    def cell(column: Column) -> Cell:
        return cell_of(cells, columns.get(column))

    try:
        member_number, phone = named_by(cell(Column.WHO))
        points = _points(cell(Column.POINTS))
        expires_on = _day(cell(Column.EXPIRES_ON), today)
    except NamesNobody as refused:
        return Line(number, bad=BadLine(refused.bad))
    except _Refused as refused:
        return Line(number, bad=refused.bad)
    return Line(number, member_number, phone, points, expires_on)


def _points(cell: Cell) -> int:
    text = _plain(cell).replace("−", "-")
    if not text:
        raise _Refused(BadLine.POINTS_MISSING)
    if "," in text and _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not _WHOLE.fullmatch(text):
        raise _Refused(BadLine.POINTS_DECIMAL if _DECIMAL.fullmatch(text) else BadLine.POINTS_INVALID)
    points = int(text)
    if points == 0:
        raise _Refused(BadLine.POINTS_ZERO)
    if abs(points) > POINTS_MAX:
        raise _Refused(BadLine.POINTS_TOO_LARGE)
    return points


def _day(cell: Cell, today: date) -> date | None:
    if isinstance(cell, datetime):
        day = cell.date()
    elif isinstance(cell, date):
        day = cell
    else:
        text = _plain(cell)
        if not text:
            return None
        day = _written_day(text)
    if day < today:
        raise _Refused(BadLine.DATE_PAST)
    if day.year > YEAR_MAX:
        raise _Refused(BadLine.DATE_INVALID)
    return day


@lru_cache(maxsize=1_000)  # a file names few days many times
def _written_day(text: str) -> date:
    written = _DATE.fullmatch(text)
    if not written:
        raise _Refused(BadLine.DATE_INVALID)
    try:
        return date(*map(int, written.groups()))
    except ValueError:
        raise _Refused(BadLine.DATE_INVALID) from None


def _plain(cell: Cell) -> str:
    text = text_of(cell)
    if is_formula(text):
        raise _Refused(BadLine.FORMULA)
    return text
