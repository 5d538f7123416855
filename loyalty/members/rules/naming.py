"""Naming a member in a file (名单): a phone or a member number in a cell, as people and spreadsheets write them.

What stood in the cell is never kept: a line that is refused says why, not what.
"""

import re
from enum import StrEnum

from loyalty.kernel.sheets import Cell, text_of
from loyalty.members.rules.numbers import is_number
from loyalty.members.rules.phones import PhoneInvalid, normalise_phone

HEADINGS = frozenset(
    ("手机号", "手机号码", "手机", "会员号", "会员", "手机号/会员号", "手机号或会员号", "phone", "member")
)
"""What the column of members is called, in small letters and without blanks."""
_MAINLAND = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})")
_BETWEEN_DIGITS = re.compile(r"[\s()-]")
_SCIENTIFIC = re.compile(r"[0-9.]+[eE][+]?[0-9]+")
_FORMULA_MARKS = ("=", "@")


class BadName(StrEnum):
    """Why a cell names nobody."""

    MISSING = "who_missing"
    INVALID = "who_invalid"
    SCIENTIFIC = "who_scientific"
    FORMULA = "formula"


class NamesNobody(Exception):
    """A cell that names nobody."""

    def __init__(self, bad: BadName) -> None:
        super().__init__(bad)
        self.bad = bad


def heading_of(cell: Cell) -> str:
    """Return what a cell of the first line says, as headings are compared."""
    return text_of(cell).replace(" ", "").lower()


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet program would calculate what a cell says."""
    return text.startswith(_FORMULA_MARKS)


def named_by(cell: Cell) -> tuple[str | None, str | None]:
    """Return the member number, or the phone in E.164, that a cell holds; the other one is None.

    Raises:
        NamesNobody: it holds neither.
    """
    text = text_of(cell)
    if is_formula(text):
        raise NamesNobody(BadName.FORMULA)
    text = _BETWEEN_DIGITS.sub("", text)
    mainland = _MAINLAND.fullmatch(text)
    if mainland:
        return None, f"+86{mainland.group(1)}"
    if is_number(text):
        return text, None
    if not text:
        raise NamesNobody(BadName.MISSING)
    if _SCIENTIFIC.fullmatch(text):
        raise NamesNobody(BadName.SCIENTIFIC)
    try:
        return None, normalise_phone(text)
    except PhoneInvalid:
        raise NamesNobody(BadName.INVALID) from None
