"""Fields of facts: their kinds, how they are read from a document, and what may be wrong with their values."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from loyalty.kernel import checking
from loyalty.kernel.documents import Problem, Reader, choice, day, flag, set_of, text, whole

DAYS_MAX = 3660
AMOUNT_MAX = 100_000_000_000


class FieldKind(StrEnum):
    """What a field holds, by which a form shows it."""

    DAYS = "days"
    COUNT = "count"
    POINTS = "points"
    FEN = "fen"
    DATE = "date"
    FLAG = "flag"
    MONTHS = "months"
    LEVELS = "levels"
    STORES = "stores"
    """Nodes of the store tree, by id."""
    TAGS = "tags"
    TEMPLATES = "templates"
    """Coupon templates, by id."""
    CAMPAIGN = "campaign"
    """One campaign, by id."""
    CODES = "codes"
    """Words as other systems report them: categories, articles, channels."""
    APPIDS = "appids"
    CHOICE = "choice"
    CHOICES = "choices"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a fact as a form offers it."""

    name: str
    label: str
    kind: FieldKind
    unit: str = ""
    is_required: bool = False
    initial: Any = None
    """What a new row of the builder begins with."""
    least: int = 0
    choices: Mapping[str, str] | None = None
    """Values and their Chinese words, of ``CHOICE`` and ``CHOICES``."""
    word: type[StrEnum] | None = None
    """The type of those values."""


_NUMBERS = frozenset({FieldKind.DAYS, FieldKind.COUNT, FieldKind.POINTS, FieldKind.FEN, FieldKind.CAMPAIGN})
_IDS = frozenset({FieldKind.LEVELS, FieldKind.STORES, FieldKind.TAGS, FieldKind.TEMPLATES})


def reader_of(field: Field) -> Reader:
    """Return what reads the field's value from a document."""
    if field.kind in (FieldKind.CHOICE, FieldKind.CHOICES):
        one = _word(field)
        return one if field.kind is FieldKind.CHOICE else set_of(one)
    return _READERS[field.kind]


def problems(field: Field, path: str, value: Any) -> Iterator[Problem]:
    """Yield what is wrong with a value that was read."""
    if field.is_required and isinstance(value, frozenset) and not value:
        yield Problem(path, f"请选择{field.label}")
    elif field.kind in _NUMBERS:
        most = _MOST.get(field.kind, AMOUNT_MAX)
        if not field.least <= value <= most:
            yield Problem(path, f"{field.label}须为 {field.least}–{most}")
    elif field.kind in _IDS:
        yield from checking.numbers(path, field.label, value, least=1, most=checking.ID_MAX)
    elif field.kind is FieldKind.MONTHS:
        yield from checking.numbers(path, field.label, value, least=1, most=12)
    elif field.kind in (FieldKind.CODES, FieldKind.APPIDS):
        yield from checking.codes(path, field.label, value)


def written(value: Any) -> Any:
    """Return a value as a document holds it."""
    if isinstance(value, frozenset):
        return sorted(written(one) for one in value)
    if isinstance(value, StrEnum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value


def _word(field: Field) -> Callable[[str, object], Any]:
    assert field.word is not None
    return choice(field.word)


_READERS: Mapping[FieldKind, Reader] = {
    FieldKind.DAYS: whole,
    FieldKind.COUNT: whole,
    FieldKind.POINTS: whole,
    FieldKind.FEN: whole,
    FieldKind.CAMPAIGN: whole,
    FieldKind.DATE: day,
    FieldKind.FLAG: flag,
    FieldKind.MONTHS: set_of(whole),
    FieldKind.LEVELS: set_of(whole),
    FieldKind.STORES: set_of(whole),
    FieldKind.TAGS: set_of(whole),
    FieldKind.TEMPLATES: set_of(whole),
    FieldKind.CODES: set_of(text),
    FieldKind.APPIDS: set_of(text),
}
_MOST: Mapping[FieldKind, int] = {FieldKind.DAYS: DAYS_MAX, FieldKind.CAMPAIGN: checking.ID_MAX}
