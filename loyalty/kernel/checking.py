"""Checking (校验): what may be wrong with parts that documents of several modules have in common, told in Chinese."""

from collections.abc import Collection, Iterator

from loyalty.kernel.documents import Problem
from loyalty.kernel.local_time import Hours
from loyalty.kernel.texts import is_storable

ID_MAX = 2**63 - 1
SET_SIZE_MAX = 500
CODE_LENGTH_MAX = 64
HOURS_MAX = 10
_MINUTES_OF_DAY = 24 * 60
_SEPARATORS = frozenset(",，、;；")
"""Forms list values between them."""


def is_tidy(value: str, length_max: int) -> bool:
    """Tell whether a text is one line that can be stored and found again."""
    return value == value.strip() and value.isprintable() and is_storable(value) and 0 < len(value) <= length_max


def is_code(value: str, length_max: int = CODE_LENGTH_MAX) -> bool:
    """Tell whether a text is tidy and can stand in a list."""
    return is_tidy(value, length_max) and not _SEPARATORS & set(value)


def codes(name: str, label: str, values: Collection[str]) -> Iterator[Problem]:
    """Yield what is wrong with a set of codes."""
    if len(values) > SET_SIZE_MAX:
        yield Problem(name, f"{label}最多 {SET_SIZE_MAX} 个")
    if not all(is_code(value) for value in values):
        yield Problem(name, f"{label}须为 1–{CODE_LENGTH_MAX} 个字符，首尾没有空格，不含逗号、顿号和分号")


def numbers(name: str, label: str, values: Collection[int], *, least: int, most: int) -> Iterator[Problem]:
    """Yield what is wrong with a set of numbers."""
    if len(values) > SET_SIZE_MAX or not all(least <= value <= most for value in values):
        yield Problem(name, f"{label}不正确")


def hours(name: str, spans: Collection[Hours]) -> Iterator[Problem]:
    """Yield what is wrong with hours of the day."""
    if len(spans) > HOURS_MAX:
        yield Problem(name, f"时段最多 {HOURS_MAX} 个")
    for span in spans:
        is_within = 0 <= span.from_minute < _MINUTES_OF_DAY and 0 <= span.until_minute <= _MINUTES_OF_DAY
        if not is_within or span.from_minute == span.until_minute:
            yield Problem(name, "时段须在 00:00–24:00 之间，开始与结束不能相同")
