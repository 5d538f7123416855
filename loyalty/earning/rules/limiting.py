"""Limiting: which counters bound the points of a rule, by the caps and budgets of its definition."""

from collections.abc import Iterator

from loyalty.earning.rules.evaluation import RuleRevision
from loyalty.earning.rules.facts import EventFacts
from loyalty.limits.rules import HOT_BUCKETS, TOTAL, Limit, day_of, month_of, week_of


def limits_of(revision: RuleRevision, facts: EventFacts) -> tuple[Limit, ...]:
    """Return the limits of a rule for one event: of its member and day, and of the chain and its store.

    They count by rule and not by revision, so that changing a rule gives nobody a second allowance. The period is
    that of the event, also when it is reported late.
    """
    return tuple(_member_caps(revision, facts)) + tuple(_budgets(revision, facts))


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
            yield Limit(_subject(revision), f"member:{facts.member_id}", period, ceiling, name)


def _budgets(revision: RuleRevision, facts: EventFacts) -> Iterator[Limit]:
    budgets = revision.definition.budgets
    if budgets.rule_budget is not None:
        yield Limit(_subject(revision), "all", TOTAL, budgets.rule_budget, "rule_budget", buckets=HOT_BUCKETS)
    if budgets.store_budget is not None and facts.store_id is not None:
        yield Limit(_subject(revision), f"store:{facts.store_id}", TOTAL, budgets.store_budget, "store_budget")


def _subject(revision: RuleRevision) -> str:
    return f"earning_rule:{revision.rule_id}"
