"""Samples: an event that meets every condition of a definition, to see what it pays before anybody earns by it."""

from datetime import UTC, date, datetime, timedelta

from loyalty.earning.rules.definition import Conditions, Definition, Multiple, PerAmount
from loyalty.earning.rules.evaluation import RuleRevision, evaluate
from loyalty.earning.rules.facts import EarningEvent, EventFacts, FactLine
from loyalty.kernel.local_time import LocalTime

_FIRST_DAY = date(2024, 1, 1)
_DAYS_TRIED = 800
"""Every day of the month falls on every weekday within it."""
_AMOUNT_FEN = 1_000_00
_AT = datetime(2024, 1, 1, tzinfo=UTC)


def first_day_of(conditions: Conditions) -> date | None:
    """Return the first day that dates, weekdays and members' days have in common."""
    first = conditions.first_on or min(conditions.last_on or _FIRST_DAY, _FIRST_DAY)
    tried = min(_DAYS_TRIED, (date.max - first).days)
    for day in (first + timedelta(days=offset) for offset in range(tried + 1)):
        if conditions.last_on is not None and day > conditions.last_on:
            return None
        fits_week = not conditions.weekdays or day.isoweekday() in conditions.weekdays
        if fits_week and (not conditions.month_days or day.day in conditions.month_days):
            return day
    return None


def sample_of(definition: Definition) -> EventFacts:
    """Return an event that meets every condition, on the first day that can be."""
    wanted = definition.conditions
    line = FactLine(
        line_number=1,
        sku=min(wanted.skus, default=_other_than(wanted.excluded_skus)),
        category="" if wanted.skus else min(wanted.categories, default=_other_than(wanted.excluded_categories)),
        quantity=max(1, wanted.minimum_quantity),
        amount_fen=max(_AMOUNT_FEN, wanted.minimum_amount_fen, *_steps(definition)),
    )
    return EventFacts(
        event=definition.event,
        occurred_at=_AT,
        local=LocalTime(first_day_of(wanted) or _FIRST_DAY, wanted.hours[0].from_minute if wanted.hours else 0),
        member_id=1,
        store_id=min(wanted.included_nodes, default=None),
        channel=min(wanted.channels, default=None),
        tier_level=min(wanted.tier_levels, default=0),
        tags=wanted.tags,
        is_first_purchase=wanted.is_first_purchase,
        is_birthday=wanted.birthday is not None,
        is_birthday_month=wanted.birthday is not None,
        lines=(line,) if definition.event is EarningEvent.PURCHASE else (),
        custom_kind=wanted.custom_kind,
    )


def pays_on_sample(definition: Definition) -> bool:
    """Tell whether a definition pays anything at all, a multiplier beside a base rule of one point a yuan."""
    base = Definition(event=definition.event, points=PerAmount(1, 100), growth=PerAmount(1, 100))
    revisions = [_revision(1, definition)]
    if isinstance(definition.points, Multiple) or isinstance(definition.growth, Multiple):
        revisions.append(_revision(2, base))
    return any(award.rule_id == 1 for award in evaluate(revisions, sample_of(definition)).awards)


def _steps(definition: Definition) -> list[int]:
    rewards = (definition.points, definition.growth)
    return [0, *(reward.each_fen for reward in rewards if isinstance(reward, PerAmount))]


def _other_than(excluded: frozenset[str]) -> str:
    return next(name for name in (f"sample-{number}" for number in range(len(excluded) + 1)) if name not in excluded)


def _revision(number: int, definition: Definition) -> RuleRevision:
    return RuleRevision(id=number, rule_id=number, number=1, name="sample", definition=definition, starts_at=_AT)
