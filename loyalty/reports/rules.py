"""What the figures of a day are, and what they are called."""

from dataclasses import dataclass, fields
from datetime import date, timedelta

from loyalty.kernel.errors import InvalidInput

DAYS_MAX = 366

LABELS = {
    "new_members": "新会员",
    "check_ins": "签到",
    "points_issued": "发放积分",
    "points_spent": "使用积分",
    "messages_sent": "消息已发",
    "messages_refused": "消息被拒",
    "messages_unknown": "结果未知",
}


class TooManyDays(InvalidInput):
    """A report covers at most a year, its last day not before its first."""

    code = "too_many_report_days"
    message = "日期范围不正确，最多查询 366 天"


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The figures of one business date."""

    day: date
    new_members: int = 0
    check_ins: int = 0
    points_issued: int = 0
    points_spent: int = 0
    messages_sent: int = 0
    messages_refused: int = 0
    messages_unknown: int = 0


FIGURES = tuple(field.name for field in fields(DayFigures) if field.name != "day")


def days_between(first: date, last: date) -> list[date]:
    """Return every business date from ``first`` to ``last``.

    Raises:
        TooManyDays: none, or more than a year of them.
    """
    count = (last - first).days + 1
    if not 0 < count <= DAYS_MAX:
        raise TooManyDays
    return [first + timedelta(days=number) for number in range(count)]
