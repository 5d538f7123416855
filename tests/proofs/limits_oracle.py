"""What counters must hold, reckoned without the limits: from what happened, and from what stands as paid."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.earning.models import EarningRuleRevision, Settlement, StoredEvaluation
from loyalty.earning.rules import Budgets, Caps, Conditions, Definition, EarningEvent, Fixed, PerAmount
from loyalty.limits.models import LimitCounter
from tests.factories.earning import make_rule
from tests.proofs.paths import CUSTOM_KIND, EACH

LIMITS = tuple(field.name for field in (*fields(Caps), *fields(Budgets)))
"""All that a rule may have."""
NOWHERE = (EarningEvent.PROFILE_COMPLETED, EarningEvent.BIRTHDAY)
"""Events that happen in no store, so that the budget of a store does not bound them."""

Key = tuple[int, str, str]
"""A rule, for whom it counts, and the period."""


@dataclass(frozen=True)
class Bounded:
    """A rule and its limits."""

    rule_id: int
    event: EarningEvent
    ceilings: Mapping[str, int]


@dataclass(frozen=True)
class Happened:
    """One event, for which each of its rules would pay ``EACH``."""

    event: EarningEvent
    member_id: int
    store_id: int | None
    on: date


def make_rules(session: Session, count: int) -> list[Bounded]:
    """For each event a rule with each limit alone, and one with all of them; ``count`` calls of an act exhaust them."""
    made = []
    for event in EarningEvent:
        ceilings = {name: _ceiling(name, count) for name in LIMITS if event not in NOWHERE or "store" not in name}
        for chosen in (*({name: most} for name, most in ceilings.items()), ceilings):
            made.append(Bounded(make_rule(session, _definition(event, chosen)), event, chosen))
    return made


def _ceiling(name: str, count: int) -> int:
    """For a member, what pays a first event in full and a second in part; for a store and a rule, such parts too."""
    return {"member": EACH + 3, "store": count * EACH // 4 + 1, "rule": count * EACH // 2 + 3}[name.split("_")[0]]


def _definition(event: EarningEvent, ceilings: Mapping[str, int]) -> Definition:
    return Definition(
        event=event,
        points=PerAmount(1, 100) if event is EarningEvent.PURCHASE else Fixed(EACH),
        conditions=Conditions(custom_kind=CUSTOM_KIND if event is EarningEvent.CUSTOM else None),
        caps=Caps(**{name: most for name, most in ceilings.items() if name in _CAPS}),
        budgets=Budgets(**{name: most for name, most in ceilings.items() if name not in _CAPS}),
    )


_CAPS = {field.name for field in fields(Caps)}


def ceilings_of(rules: Iterable[Bounded], happened: Sequence[Happened]) -> dict[Key, int]:
    """The most that each counter may ever hold."""
    return {
        (rule.rule_id, *_place(name, one.member_id, one.store_id, one.on)): most
        for rule in rules
        for name, most in rule.ceilings.items()
        for one in happened
        if one.event is rule.event
    }


def exhausted(rules: Iterable[Bounded], happened: Sequence[Happened]) -> Counter[Key]:
    """What the counters of the rules with one limit hold when each event was paid as far as that limit allowed."""
    alone = [rule for rule in rules if len(rule.ceilings) == 1]
    wanted: Counter[Key] = Counter()
    for rule in alone:
        (name,) = rule.ceilings
        for one in happened:
            if one.event is rule.event:
                wanted[rule.rule_id, *_place(name, one.member_id, one.store_id, one.on)] += EACH
    most = ceilings_of(alone, happened)
    return Counter({key: min(points, most[key]) for key, points in wanted.items()})


def counted(session: Session) -> Counter[Key]:
    """What the counters hold."""
    kept = LimitCounter
    used = select(kept.subject, kept.entity, kept.period, func.sum(kept.used).label("used"))
    rows = session.execute(used.group_by(kept.subject, kept.entity, kept.period))
    return +Counter(
        {(int(row.subject.removeprefix("earning_rule:")), row.entity, row.period): int(row.used) for row in rows}
    )


def standing(session: Session, rules: Iterable[Bounded]) -> Counter[Key]:
    """What the counters must hold by what was paid and not taken back."""
    rule_of = dict(session.execute(select(EarningRuleRevision.id, EarningRuleRevision.rule_id)).all())
    names = {rule.rule_id: tuple(rule.ceilings) for rule in rules}
    paid: Counter[Key] = Counter()
    for facts, awards in _standing_awards(session):
        on = date.fromisoformat(facts["on"])
        for award in awards:
            rule_id = rule_of[award["revision_id"]]
            for name in names[rule_id]:
                paid[rule_id, *_place(name, facts["member_id"], facts["store_id"], on)] += award["points"]
    return +paid


def points_standing(session: Session) -> int:
    """All points that rules paid and nothing took back."""
    return sum(award["points"] for _facts, awards in _standing_awards(session) for award in awards)


def _standing_awards(session: Session) -> list[tuple[dict[str, Any], list[Any]]]:
    last = {
        (row.member_id, row.evaluation_id): row.awards
        for row in session.scalars(select(Settlement).order_by(Settlement.number))
    }
    return [
        (row.facts, last.get((row.member_id, row.id), row.awards)) for row in session.scalars(select(StoredEvaluation))
    ]


def _place(name: str, member_id: int, store_id: int | None, on: date) -> tuple[str, str]:
    whose, period, *_ = name.split("_")
    year, week, _day = on.isocalendar()
    periods = {"day": on.isoformat(), "week": f"{year}-W{week:02d}", "month": f"{on:%Y-%m}"}
    entities = {"member": f"member:{member_id}", "store": f"store:{store_id}", "rule": "all"}
    return entities[whose], (periods | dict.fromkeys(("total", "budget"), "total"))[period]
