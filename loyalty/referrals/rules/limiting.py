"""Caps (上限) of the programme as limits: how many invitations, or openings, pay one member."""

from collections.abc import Sequence
from datetime import date

from loyalty.limits.rules import TOTAL, Limit, day_of, member_entity, month_of
from loyalty.referrals.rules.programme import Caps, OpeningReward

SUBJECT = "referral"
"""One for all revisions, so that publishing another one opens no second purse."""
OPENING_SUBJECT = "share_opening"


def limits_of(caps: Caps, *, member_id: int, on: date) -> Sequence[Limit]:
    """Return the limits of a referrer on a business date."""
    entity = member_entity(member_id)
    ceilings = (
        (day_of(on), caps.per_day, "referrer_day"),
        (month_of(on), caps.per_month, "referrer_month"),
        (TOTAL, caps.total, "referrer_total"),
    )
    return [Limit(SUBJECT, entity, period, ceiling, name) for period, ceiling, name in ceilings if ceiling is not None]


def opening_limit(opening: OpeningReward, *, member_id: int, on: date) -> Limit:
    """Return the limit of paid openings of a sharer on a business date."""
    return Limit(OPENING_SUBJECT, member_entity(member_id), day_of(on), opening.per_day, "sharer_day")
