"""Limiting: which counters bound the points of a rule, by the caps and budgets of its definition."""

from collections.abc import Iterator
from datetime import date

from loyalty.earning.rules.definition import Budgets
from loyalty.earning.rules.evaluation import RuleRevision
from loyalty.earning.rules.facts import EventFacts
from loyalty.limits.rules import (
    ALL,
    HOT_BUCKETS,
    TOTAL,
    Limit,
    day_of,
    member_entity,
    month_of,
    store_entity,
    week_of,
)


def limits_of(revision: RuleRevision, facts: EventFacts) -> tuple[Limit, ...]:
    """Return the limits of a rule for one event: of its member and day, and of the chain and its store.

    They count by rule and not by revision, so that changing a rule gives nobody a second allowance. The period is
    that of the event, also when it is reported late.
    """
    budgets = budget_limits(revision.rule_id, revision.definition.budgets, on=facts.local.on, store_id=facts.store_id)
    return (*_member_caps(revision, facts), *budgets)


def _member_caps(revision: RuleRevision, facts: EventFacts) -> Iterator[Limit]:
    caps, on = revision.definition.caps, facts.local.on
    periods = {
        "member_day": (caps.member_day, day_of(on)),
        "member_week": (caps.member_week, week_of(on)),
        "member_month": (caps.member_month, month_of(on)),
        "member_total": (caps.member_total, TOTAL),
    }
    for name, (ceiling, period) in periods.items():
        if ceiling is not None:
            yield Limit(_subject(revision.rule_id), member_entity(facts.member_id), period, ceiling, name)


def budget_limits(rule_id: int, budgets: Budgets, *, on: date, store_id: int | None) -> Iterator[Limit]:
    """Yield the budgets that count what a rule pays on a business date in a store, or in none."""
    subject, month = _subject(rule_id), month_of(on)
    for name, ceiling, period in (
        ("rule_month_budget", budgets.rule_month_budget, month),
        ("rule_budget", budgets.rule_budget, TOTAL),
    ):
        if ceiling is not None:
            yield Limit(subject, ALL, period, ceiling, name, buckets=HOT_BUCKETS)
    for name, ceiling, period in (
        ("store_month_budget", budgets.store_month_budget, month),
        ("store_budget", budgets.store_budget, TOTAL),
    ):
        if ceiling is not None and store_id is not None:
            yield Limit(subject, store_entity(store_id), period, ceiling, name)


def _subject(rule_id: int) -> str:
    return f"earning_rule:{rule_id}"
