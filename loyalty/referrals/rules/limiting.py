"""Caps (上限) of the programme as limits: how many invitations, or openings, pay one member."""

from collections.abc import Iterable, Sequence
from datetime import date

from loyalty.limits.rules import TOTAL, Limit, day_of, member_entity, month_of
from loyalty.referrals.rules.programme import Caps, OpeningReward

SUBJECT = "referral"
"""One for all revisions, so that publishing another one opens no second purse."""
OPENING_SUBJECT = "share_opening"


def limits_of(caps: Caps, *, member_id: int, on: date) -> Sequence[Limit]:
    """Return the limits of a referrer on a business date."""
    ceilings = (
        (day_of(on), caps.per_day, "referrer_day"),
        (month_of(on), caps.per_month, "referrer_month"),
        (TOTAL, caps.total, "referrer_total"),
    )
    return _limits(SUBJECT, member_id, ceilings)


def opening_limits(opening: OpeningReward, *, member_id: int, on: date) -> Sequence[Limit]:
    """Return the limits of paid openings of a sharer on a business date."""
    ceilings = ((day_of(on), opening.per_day, "sharer_day"), (TOTAL, opening.total, "sharer_total"))
    return _limits(OPENING_SUBJECT, member_id, ceilings)


def _limits(subject: str, member_id: int, ceilings: Iterable[tuple[str, int | None, str]]) -> Sequence[Limit]:
    entity = member_entity(member_id)
    return [Limit(subject, entity, period, ceiling, name) for period, ceiling, name in ceilings if ceiling is not None]
