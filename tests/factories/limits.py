"""Limits for tests."""

from itertools import count

from loyalty.limits.rules import TOTAL, Limit

_numbers = count(1)


def make_limit(
    ceiling: int, *, subject: str = "", entity: str = "all", period: str = TOTAL, name: str = "", buckets: int = 1
) -> Limit:
    """A limit of its own, that no other test counts on."""
    subject = subject or f"test:{next(_numbers)}"
    return Limit(subject=subject, entity=entity, period=period, ceiling=ceiling, name=name or subject, buckets=buckets)
