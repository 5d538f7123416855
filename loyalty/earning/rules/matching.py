"""Matching: which condition of a rule an event does not meet, and which lines of a purchase count."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

from loyalty.earning.rules.definition import BirthdayMatch, Conditions
from loyalty.earning.rules.facts import EventFacts, FactLine
from loyalty.kernel.local_time import days_of_hours


class MissReason(StrEnum):
    """Why a rule did not pay."""

    STORE = "store"
    CUSTOM_KIND = "custom_kind"
    CHANNEL = "channel"
    DATE = "date"
    WEEKDAY = "weekday"
    MONTH_DAY = "month_day"
    HOURS = "hours"
    BIRTHDAY = "birthday"
    TIER = "tier"
    TAG = "tag"
    FIRST_PURCHASE = "first_purchase"
    PRODUCT = "product"
    AMOUNT = "amount"
    QUANTITY = "quantity"
    NO_BASE = "no_base"
    """A multiplier without a base rule that pays for the same lines."""
    OUTRANKED = "outranked"
    """Another rule of the exclusive group pays instead."""
    COUPON = "coupon"
    """Its coupon was refused: nothing was left of it, or the member may have none."""


def matching_lines(conditions: Conditions, lines: tuple[FactLine, ...]) -> tuple[FactLine, ...]:
    """Return the lines that a rule counts; a line that was returned whole is none."""
    return tuple(line for line in lines if (line.quantity or line.amount_fen) and _is_wanted(conditions, line))


def unmet(conditions: Conditions, facts: EventFacts) -> MissReason | None:
    """Return the first condition apart from those on the lines that an event does not meet."""
    return next((reason for reason, is_met in _CHECKS if not is_met(conditions, facts)), None) or _unmet_time(
        conditions, facts
    )


def _is_wanted(conditions: Conditions, line: FactLine) -> bool:
    if line.sku in conditions.excluded_skus or line.category in conditions.excluded_categories:
        return False
    if not conditions.skus and not conditions.categories:
        return True
    return line.sku in conditions.skus or line.category in conditions.categories


def _is_at(conditions: Conditions, facts: EventFacts) -> bool:
    nodes = {facts.store_id, facts.region_id} - {None}
    if nodes & conditions.excluded_nodes:
        return False
    return not conditions.included_nodes or bool(nodes & conditions.included_nodes)


def _is_birthday(conditions: Conditions, facts: EventFacts) -> bool:
    if conditions.birthday is None:
        return True
    return facts.is_birthday if conditions.birthday is BirthdayMatch.DAY else facts.is_birthday_month


_CHECKS: tuple[tuple[MissReason, Callable[[Conditions, EventFacts], bool]], ...] = (
    (MissReason.STORE, _is_at),
    (MissReason.CUSTOM_KIND, lambda wanted, facts: wanted.custom_kind in (None, facts.custom_kind)),
    (MissReason.CHANNEL, lambda wanted, facts: not wanted.channels or facts.channel in wanted.channels),
    (MissReason.BIRTHDAY, _is_birthday),
    (MissReason.TIER, lambda wanted, facts: not wanted.tier_levels or facts.tier_level in wanted.tier_levels),
    (MissReason.TAG, lambda wanted, facts: not wanted.tags or bool(wanted.tags & facts.tags)),
    (MissReason.FIRST_PURCHASE, lambda wanted, facts: not wanted.is_first_purchase or facts.is_first_purchase),
)


def _unmet_time(conditions: Conditions, facts: EventFacts) -> MissReason | None:
    """Hours over midnight may give an event two days to match; one that fits is enough."""
    days = list(days_of_hours(conditions.hours, facts.local.on, facts.local.minute))
    if not days:
        return MissReason.HOURS
    reasons = [_unmet_day(conditions, day) for day in days]
    return None if None in reasons else reasons[0]


def _unmet_day(conditions: Conditions, day: date) -> MissReason | None:
    if not (conditions.first_on or day) <= day <= (conditions.last_on or day):
        return MissReason.DATE
    if conditions.weekdays and day.isoweekday() not in conditions.weekdays:
        return MissReason.WEEKDAY
    if conditions.month_days and day.day not in conditions.month_days:
        return MissReason.MONTH_DAY
    return None
