"""How money, hours and weekdays read in Chinese."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from loyalty.kernel.local_time import Hours

WEEKDAY_NAMES = {1: "周一", 2: "周二", 3: "周三", 4: "周四", 5: "周五", 6: "周六", 7: "周日"}
_RUN_LEAST = 3
"""How many days in a row are told by the first and the last."""


def yuan(fen: int) -> str:
    """Return an amount as people read it."""
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def plain_yuan(fen: int) -> str:
    """Return an amount as headlines say it, exact to the fen: 20, 9.9, 1,234.05."""
    whole, rest = divmod(fen, 100)
    return f"{whole:,}.{rest:02d}".rstrip("0") if rest else f"{whole:,}"


def clock(minute: int) -> str:
    """Return a minute of the day as 18:05."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def span(hours: Hours) -> str:
    """Return hours as 11:00–14:00."""
    next_day = "次日 " if hours.until_minute <= hours.from_minute else ""
    return f"{clock(hours.from_minute)}–{next_day}{clock(hours.until_minute)}"


def weekdays(days: Iterable[int]) -> str:
    """Return days of the week, those in a row together: 周一至周五、周日."""
    ordered = sorted(set(days))
    runs = [[day for _, day in run] for _, run in groupby(enumerate(ordered), lambda one: one[1] - one[0])]
    return "、".join(_run(run) for run in runs)


def named(ids: Iterable[int], names: Mapping[int, str], unnamed: str) -> str:
    """Return what some things are called in one text; one without a name shows its number."""
    return "、".join(names.get(one, f"{unnamed} {one}") for one in sorted(ids))


def _run(days: list[int]) -> str:
    if len(days) >= _RUN_LEAST:
        return f"{WEEKDAY_NAMES[days[0]]}至{WEEKDAY_NAMES[days[-1]]}"
    return "、".join(WEEKDAY_NAMES[day] for day in days)
