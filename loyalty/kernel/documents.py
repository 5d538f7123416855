"""Documents (配置文档): frozen dataclasses as JSON, as they are stored and sent. Reading is strict.

A key that is unknown or a value of another type is refused by name, never passed over. Readers take the name of a
field and its value; they compose, so that a module states what it expects as a table of them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

Reader = Callable[[str, object], Any]
Kinds = Mapping[str, tuple[type[Any], Mapping[str, Reader], frozenset[str]]]
"""Of each kind its type, its readers, and those of its keys that may be left out."""
Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a document: which field, and why, in Chinese."""

    field: str
    reason: str


class Unreadable(Exception):
    """A document cannot be read; ``problem`` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field)
        self.problem = Problem(field, reason)


def changed(part: Any, written: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults, each as ``written`` says."""
    return {
        field.name: written(value)
        for field in fields(part)
        if (value := getattr(part, field.name)) != _default_of(field)
    }


def plain(value: Any, written: Callable[[Any], Any]) -> Any:
    """Return what a document holds of a value: sets in order, instants in UTC, of dataclasses what was changed.

    ``written`` says the same of the parts, and knows the types that the module writes otherwise.
    """
    match value:
        case frozenset():
            return sorted(value)
        case tuple():
            return [written(one) for one in value]
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
    return changed(value, written) if is_dataclass(value) else value


def mapping(name: str, value: object, known: set[str]) -> dict[str, Any]:
    """Read an object that has no other keys than these."""
    if not isinstance(value, dict):
        raise Unreadable(name, "须为对象")
    for key in value:
        if key not in known:
            raise Unreadable(f"{name}.{key}", "没有这个字段")
    return value


def parts(name: str, value: object, readers: Mapping[str, Reader], needed: Iterable[str] = ()) -> dict[str, Any]:
    """Read what an object has of these keys; those that are needed it must have."""
    given = mapping(name, value, set(readers))
    read = {key: readers[key](f"{name}.{key}", part) for key, part in given.items()}
    for key in needed:
        if key not in read:
            raise Unreadable(f"{name}.{key}", "不能为空")
    return read


def kind(name: str, value: object, kinds: Kinds) -> Any:
    """Read an object whose ``kind`` names its type."""
    chosen = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(chosen, str) or chosen not in kinds:
        raise Unreadable(f"{name}.kind", f"须为以下之一：{'、'.join(kinds)}")
    made, readers, optional = kinds[chosen]
    given = {key: part for key, part in cast(dict[str, Any], value).items() if key != "kind"}
    return made(**parts(name, given, readers, [key for key in readers if key not in optional]))


def whole(name: str, value: object) -> int:
    """Read a whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(name, "须为整数")
    return value


def flag(name: str, value: object) -> bool:
    """Read yes or no."""
    if not isinstance(value, bool):
        raise Unreadable(name, "须为是或否")
    return value


def text(name: str, value: object) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise Unreadable(name, "须为文字")
    return value


def day(name: str, value: object) -> date:
    """Read a date."""
    try:
        return date.fromisoformat(text(name, value))
    except ValueError as error:
        raise Unreadable(name, "须为日期，如 2026-03-10") from error


def instant(name: str, value: object) -> datetime:
    """Read an instant with its offset."""
    try:
        read = datetime.fromisoformat(text(name, value))
    except ValueError as error:
        raise Unreadable(name, "须为时间，如 2026-03-10T10:00:00+08:00") from error
    if read.tzinfo is None:
        raise Unreadable(name, "时间须带时区，如 +08:00")
    return read


def or_none(one: Reader) -> Reader:
    """Read what may be empty."""
    return lambda name, value: None if value is None else one(name, value)


def set_of(one: Reader) -> Reader:
    """Read a list in which order and repetition mean nothing."""

    def read(name: str, value: object) -> frozenset[Any]:
        return frozenset(list_of(one)(name, value))

    return read


def list_of(one: Reader) -> Reader:
    """Read a list."""

    def read(name: str, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Unreadable(name, "须为列表")
        return tuple(one(name, part) for part in value)

    return read


def pair(made: Callable[[int, int], Any], example: str) -> Reader:
    """Read a list of two whole numbers."""

    def read(name: str, value: object) -> Any:
        if not isinstance(value, list) or len(value) != 2:
            raise Unreadable(name, f"须为两个整数，如 {example}")
        return made(whole(name, value[0]), whole(name, value[1]))

    return read


def choice(choices: type[Choice]) -> Callable[[str, object], Choice]:
    """Read one of some words."""

    def read(name: str, value: object) -> Choice:
        if not isinstance(value, str) or value not in list(choices):
            raise Unreadable(name, f"须为以下之一：{'、'.join(choices)}")
        return choices(value)

    return read


def _default_of(field: Any) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
