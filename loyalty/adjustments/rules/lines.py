"""Lines of a file: which cell is what, who is meant, how many points, until when; every refusal with its reason.

A line is refused as a whole, and its text is never kept: what is stored of a file are ids and figures.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from loyalty.adjustments.rules.single import YEAR_MAX
from loyalty.members.rules.numbers import is_number
from loyalty.members.rules.phones import PhoneInvalid, normalise_phone
from loyalty.points.rules import POINTS_MAX

Cell = str | int | float | bool | date | datetime | None

_MAINLAND = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})")
_WHOLE = re.compile(r"[+-]?[0-9]{1,12}")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+")
_DECIMAL = re.compile(r"[+-]?[0-9]*[.][0-9]*")
_SCIENTIFIC = re.compile(r"[0-9.]+[eE][+]?[0-9]+")
_DATE = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?: 00:00(?::00)?)?")
_FORMULA_MARKS = ("=", "@")


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
    "手机号": Column.WHO,
    "手机号码": Column.WHO,
    "手机": Column.WHO,
    "会员号": Column.WHO,
    "会员": Column.WHO,
    "手机号/会员号": Column.WHO,
    "手机号或会员号": Column.WHO,
    "phone": Column.WHO,
    "member": Column.WHO,
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
        column = _HEADINGS.get(_text(cell).replace(" ", "").lower())
        if column is not None:
            found.setdefault(column, index)
    return found if {Column.WHO, Column.POINTS} <= set(found) else None


def is_blank(cells: Sequence[Cell]) -> bool:
    """Tell whether a line holds nothing at all."""
    return all(_text(cell) == "" for cell in cells)


def line_of(number: int, cells: Sequence[Cell], *, columns: dict[Column, int], today: date) -> Line:
    """Read one line; a wrong one says why."""

    def cell(column: Column) -> Cell:
        index = columns.get(column)
        return cells[index] if index is not None and index < len(cells) else None

    try:
        member_number, phone = _who(cell(Column.WHO))
        points = _points(cell(Column.POINTS))
        expires_on = _day(cell(Column.EXPIRES_ON), today)
    except _Refused as refused:
        return Line(number, bad=refused.bad)
    return Line(number, member_number, phone, points, expires_on)


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = unicodedata.normalize("NFKC", str(cell))
    return "".join(mark for mark in text if unicodedata.category(mark) != "Cf").strip().lstrip("'")


def _who(cell: Cell) -> tuple[str | None, str | None]:
    text = re.sub(r"[\s()-]", "", _plain(cell))
    if not text:
        raise _Refused(BadLine.WHO_MISSING)
    if _SCIENTIFIC.fullmatch(text):
        raise _Refused(BadLine.WHO_SCIENTIFIC)
    mainland = _MAINLAND.fullmatch(text)
    if mainland:
        return None, f"+86{mainland.group(1)}"
    if is_number(text):
        return text, None
    try:
        return None, normalise_phone(text)
    except PhoneInvalid:
        raise _Refused(BadLine.WHO_INVALID) from None


def _points(cell: Cell) -> int:
    text = _plain(cell).replace("−", "-")
    if not text:
        raise _Refused(BadLine.POINTS_MISSING)
    if _GROUPED.fullmatch(text):
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


def _written_day(text: str) -> date:
    written = _DATE.fullmatch(text)
    if not written:
        raise _Refused(BadLine.DATE_INVALID)
    try:
        return date(*map(int, written.groups()))
    except ValueError:
        raise _Refused(BadLine.DATE_INVALID) from None


def _plain(cell: Cell) -> str:
    text = _text(cell)
    if text.startswith(_FORMULA_MARKS):
        raise _Refused(BadLine.FORMULA)
    return text
