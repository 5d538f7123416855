"""Limits rules: what is limited, for whom and how long, and how a ceiling is spread over buckets.

A limit (额度) counts anything that runs out: pieces of a stock, points of a budget, awards of a cap. Nothing here
reads a table or a clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from loyalty.kernel.errors import LimitReached

TOTAL = "total"
"""The period of a limit that never starts anew."""
ALL = "all"
"""The entity of a limit that everybody shares."""
HOT_BUCKETS = 16
"""Buckets for what many people reach for at once, such as the stock of a flash sale."""
ROOM_PER_BUCKET = 4
"""With less than this left for each bucket, all of it lies in one: the rest of a stock is not worth spreading."""


class LimitExhausted(LimitReached):
    """Less is left of a limit than was asked for; the details name it and say what is left."""

    code = "limit_exhausted"
    message = "额度不足，已达上限"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit and its ceiling as the caller's configuration has it now.

    The ceiling may change between calls, also below what is already used; ``buckets`` may not change while a period
    lasts.
    """

    subject: str
    """What is limited, as ``kind:id``: ``earning_rule:12``."""
    entity: str
    """For whom: ``member:5``, ``store:3`` or ``all``."""
    period: str
    """One of ``day_of``, ``week_of``, ``month_of``, or ``TOTAL``."""
    ceiling: int
    name: str
    """The stable code that a refusal and an explanation show: ``member_day``, ``store_budget``."""
    buckets: int = 1

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the limit, and the order in which limits are locked."""
        return self.subject, self.entity, self.period

    def exhausted(self, left: int) -> LimitExhausted:
        """Return the refusal that names this limit."""
        return LimitExhausted(
            limit=self.name, subject=self.subject, period=self.period, ceiling=self.ceiling, left=max(0, left)
        )


@dataclass(frozen=True, slots=True)
class Granted:
    """How much all limits allowed, and which one allowed no more."""

    amount: int
    stopped_by: Limit | None = None


def store_entity(store_id: int) -> str:
    """Return the entity of what one store may use."""
    return f"store:{store_id}"


def member_entity(member_id: int) -> str:
    """Return the entity of what one member may use."""
    return f"member:{member_id}"


def day_of(day: date) -> str:
    """Return the period of one business date."""
    return day.isoformat()


def week_of(day: date) -> str:
    """Return the period of a week from Monday to Sunday, by ISO 8601: ``2026-W11``."""
    year, week, _weekday = day.isocalendar()
    return f"{year}-W{week:02d}"


def month_of(day: date) -> str:
    """Return the period of a calendar month."""
    return f"{day:%Y-%m}"


def last_day_of(period: str) -> date | None:
    """Return the last business date of a period; ``None`` for ``TOTAL``, which has none."""
    if period == TOTAL:
        return None
    year, _, rest = period.partition("-")
    if rest.startswith("W"):
        return date.fromisocalendar(int(year), int(rest[1:]), 7)
    if "-" in rest:
        return date.fromisoformat(period)
    first = date.fromisoformat(f"{period}-01")
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def spread(room: int, buckets: int) -> Sequence[int]:
    """Split what is left over the buckets: half into the first, where everybody waits whom the others turn away."""
    if room < ROOM_PER_BUCKET * buckets:
        return [max(0, room), *[0] * (buckets - 1)]
    each = room // 2 // (buckets - 1)
    return [room - each * (buckets - 1), *[each] * (buckets - 1)]
