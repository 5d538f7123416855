"""Fields of large forms (表单): what was typed stands for values, and every field that cannot be read is told by name.

A field holds a text or some, so that whatever was typed can be shown again.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from flask import request

from loyalty.kernel.documents import Problem
from loyalty.kernel.local_time import Hours
from loyalty.kernel.money import fen_of
from loyalty.kernel.wording import clock

Form = Mapping[str, Sequence[str]]
Value = TypeVar("Value")
TEXT_LENGTH_MAX = 4_000
TEXT_SETS = ("skus", "categories", "excluded_skus", "excluded_categories", "channels")
"""The goods and channels that rules and coupons are for, each a text that lists codes."""
_NOT_OFFERED = "请从列表中选择"
_BETWEEN = re.compile(r"[,，、;；\r\n]+")
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–~至]\s*(\d{1,2}):(\d{2})", re.ASCII)


class FormReader:
    """Reads fields, and remembers every one that could not be read."""

    def __init__(self, form: Form, labels: Mapping[str, str]) -> None:
        self._form = form
        self._labels = labels
        self.problems: list[Problem] = []

    def refuse(self, name: str, reason: str) -> None:
        """Remember that a field is wrong."""
        self.problems.append(Problem(name, f"{self._labels.get(name, name)}{reason}"))

    def text(self, name: str) -> str:
        """Return a field's first text, empty when it is missing."""
        text = next(iter(self._form.get(name, ())), "").strip()
        if len(text) > TEXT_LENGTH_MAX:
            self.refuse(name, f"不能超过 {TEXT_LENGTH_MAX:,} 个字")
            return ""
        return text

    def read(self, name: str, parse: Callable[[str], Value], reason: str) -> Value | None:
        """Return what a field's text stands for, or None when it is empty or cannot be read."""
        text = self.text(name)
        try:
            return parse(text) if text else None
        except ValueError:
            self.refuse(name, reason)
            return None

    def choice(self, name: str, parse: Callable[[str], Value]) -> Value | None:
        """Return which of some choices a field holds, or None when it is empty or none of them."""
        return self.read(name, parse, _NOT_OFFERED)

    def option(self, name: str, offered: Collection[str]) -> str:
        """Return which of some texts a field holds, empty when it is none of them."""
        text = self.text(name)
        if text in offered:
            return text
        self.refuse(name, _NOT_OFFERED)
        return ""

    def money(self, name: str, *, example: str = "20 或 9.90") -> int | None:
        """Return an amount in fen."""
        return self.read(name, fen_of, f"须为金额，如 {example}")

    def whole(self, name: str) -> int | None:
        """Return a field as a number."""
        return self.read(name, whole, "须为整数")

    def day(self, name: str) -> date | None:
        """Return a field as a date."""
        return self.read(name, date.fromisoformat, "须为日期，如 2026-03-10")

    def moment(self, name: str, zone: ZoneInfo) -> datetime | None:
        """Return a date and time of day in the programme's zone."""
        moment = self.read(name, datetime.fromisoformat, "须为日期和时间，如 2026-03-10 08:00")
        if moment is None:
            return None
        if moment.tzinfo is not None or not 2000 <= moment.year < 2200:
            self.refuse(name, "年份须在 2000–2199 之间")
            return None
        return moment.replace(tzinfo=zone)

    def numbers(self, name: str) -> frozenset[int]:
        """Return all chosen values of a field with several choices."""
        found = [value for value in self._form.get(name, ()) if _WHOLE.fullmatch(value)]
        if len(found) != len(self._form.get(name, ())):
            self.refuse(name, _NOT_OFFERED)
        return frozenset(map(int, found))

    def listed(self, name: str, parse: Callable[[str], Value], reason: str) -> list[Value]:
        """Return the values of a text that lists some, between commas or in lines."""
        parts = [part.strip() for part in _BETWEEN.split(self.text(name))]
        try:
            return [parse(part) for part in parts if part]
        except ValueError:
            self.refuse(name, reason)
            return []

    def text_sets(self) -> dict[str, frozenset[str]]:
        """Return the codes of goods and channels."""
        return {name: frozenset(self.listed(name, str, "")) for name in TEXT_SETS}

    def spans(self, name: str) -> list[Hours]:
        """Return the spans of the day that a text lists."""
        return self.listed(name, _span, "须如 14:00-17:00，多个用顿号分开")


def given() -> dict[str, list[str]]:
    """Return the form that was sent; a field that no text column could keep counts as missing."""
    return {name: values for name, values in request.form.to_dict(flat=False).items() if "\0" not in "".join(values)}


def shown(value: object) -> str:
    """Return a value as the form shows it, empty when there is none."""
    return "" if value is None else str(value)


def shown_all(values: Iterable[int]) -> list[str]:
    """Return the chosen values of a field with several choices."""
    return [str(value) for value in sorted(values)]


def shown_text_sets(goods: object) -> dict[str, list[str]]:
    """Return the codes of goods and channels as the form shows them."""
    return {name: ["、".join(sorted(getattr(goods, name)))] for name in TEXT_SETS}


def shown_hours(hours: Iterable[Hours]) -> str:
    """Return spans of the day as the form shows them: 11:00-14:00、17:00-19:00."""
    return "、".join(f"{clock(span.from_minute)}-{clock(span.until_minute)}" for span in hours)


def shown_moment(at: datetime | None, zone: ZoneInfo) -> str:
    """Return an instant as the form shows it, to the minute."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if at is not None else ""


def whole(text: str) -> int:
    """Read a whole number.

    Raises:
        ValueError: it is none.
    """
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _span(text: str) -> Hours:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    hour, minute, until_hour, until_minute = map(int, found.groups())
    if max(minute, until_minute) >= 60:
        raise ValueError(text)
    return Hours(hour * 60 + minute, until_hour * 60 + until_minute)


def clock_of(text: str) -> time:
    """Return the time of day that a text says, to the minute. Raises ValueError."""
    at = time.fromisoformat(text)
    if at.tzinfo is not None or at.second or at.microsecond:
        raise ValueError(text)
    return at
