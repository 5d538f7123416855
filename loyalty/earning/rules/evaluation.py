"""Evaluation: what an event earns by the revisions in force, and for each that pays nothing, what was lacking.

Pure and deterministic: the same revisions, facts and room give the same result, in whatever order they come.
First the base rules pay, by the amount; then the bonuses, among them what multiplies the base. Each rule's caps
and budgets then bound that rule alone, and never what it multiplies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from loyalty.earning.rules.coupons import TEMPLATE, is_of_coupon, why_withheld
from loyalty.earning.rules.definition import Definition
from loyalty.earning.rules.facts import EarningEvent, EventFacts, FactLine, amount_of
from loyalty.earning.rules.matching import MissReason, matching_lines, unmet
from loyalty.earning.rules.rewards import Base, Worth, worth_of
from loyalty.points.rules.expiry import ExpiryPolicy

Room = Mapping[tuple[int, str], int]
"""Points that are left by revision and name of the limit; a limit that is not in it does not bind.

A coupon that was refused stands in it too, as ``coupons.withheld`` writes it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRevision:
    """One revision of a rule (规则版本); once published nothing of what it pays changes."""

    id: int
    rule_id: int
    number: int
    name: str
    definition: Definition
    starts_at: datetime
    ends_at: datetime | None = None
    node_id: int | None = None
    """The store or region whose override it is; None for the default of headquarters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """What one revision pays; zero points only where a cap or a budget was used up, or a coupon is all there is."""

    revision_id: int
    rule_id: int
    points: int
    growth: int
    tier_points: int
    """How many of the points, before any cap, the member's tier brought."""
    capped_by: str | None
    """The limit that cut the points, by its name."""
    explanation: dict[str, Any]
    available_after_days: int
    expiry: ExpiryPolicy | None
    coupon_template_id: int | None = None
    """The template of the coupon that it gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """Why one revision pays nothing, and what was lacking; a coupon that was refused is missed beside an award."""

    revision_id: int
    rule_id: int
    reason: MissReason
    lacking: dict[str, Any]
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an event earns (评估结果), by ascending rule."""

    awards: tuple[Award, ...]
    misses: tuple[Miss, ...]

    @property
    def points(self) -> int:
        """All points together."""
        return sum(award.points for award in self.awards)

    @property
    def growth(self) -> int:
        """All growth together."""
        return sum(award.growth for award in self.awards)


@dataclass(frozen=True, slots=True)
class _Candidate:
    revision: RuleRevision
    lines: tuple[FactLine, ...]
    worth: Worth


def evaluate(revisions: Iterable[RuleRevision], facts: EventFacts, *, room: Room | None = None) -> Evaluation:
    """Reckon what an event earns by the revisions given; those for other events are passed over.

    Of an exclusive group the winner is chosen by what it pays before its caps.
    """
    ours = sorted((one for one in revisions if one.definition.event is facts.event), key=lambda one: one.id)
    misses: list[Miss] = []
    base = _stage([one for one in ours if one.definition.is_base], facts, (), misses)
    bases = tuple(Base(one.revision.definition, one.lines) for one in base)
    bonuses = _stage([one for one in ours if not one.definition.is_base], facts, bases, misses)
    awards = []
    for one in (*base, *bonuses):
        refused = _refused(one.revision, room or {})
        if refused is not None:
            misses.append(refused)
        if refused is None or one.worth.points or one.worth.growth:
            awards.append(_award(one, facts, room or {}, has_coupon=refused is None))
    return Evaluation(
        awards=tuple(sorted(awards, key=lambda one: (one.rule_id, one.revision_id))),
        misses=tuple(sorted(misses, key=lambda one: (one.rule_id, one.revision_id))),
    )


def _stage(
    revisions: Sequence[RuleRevision], facts: EventFacts, bases: tuple[Base, ...], misses: list[Miss]
) -> list[_Candidate]:
    candidates = []
    for revision in revisions:
        found = _candidate(revision, facts, bases)
        if isinstance(found, Miss):
            misses.append(found)
        else:
            candidates.append(found)
    winners = _winners(candidates)
    for one in candidates:
        group = one.revision.definition.stacking.group
        if group is not None and winners[group] is not one:
            by = winners[group].revision
            misses.append(_miss(one.revision, MissReason.OUTRANKED, {"by_revision_id": by.id, "by_name": by.name}))
    return [one for one in candidates if winners.get(one.revision.definition.stacking.group or "", one) is one]


def _candidate(revision: RuleRevision, facts: EventFacts, bases: tuple[Base, ...]) -> _Candidate | Miss:
    conditions = revision.definition.conditions
    reason = unmet(conditions, facts)
    if reason is not None:
        return _miss(revision, reason, {})
    lines = matching_lines(conditions, facts.lines)
    if facts.lines and not lines:
        return _miss(revision, MissReason.PRODUCT, {})
    short = _short_of(revision, lines, bases)
    if short is not None:
        return short
    worth = worth_of(revision.definition, lines, bases, tier_multiplier_bp=facts.tier_multiplier_bp)
    if worth.points or worth.growth or revision.definition.coupon_template_id is not None:
        return _Candidate(revision, lines, worth)
    if worth.short_fen is None:
        return _miss(revision, MissReason.NO_BASE, {})
    return _miss(revision, MissReason.AMOUNT, _lacking(revision, lines, bases, short_fen=worth.short_fen, short_of=0))


def _short_of(revision: RuleRevision, lines: tuple[FactLine, ...], bases: tuple[Base, ...]) -> Miss | None:
    conditions = revision.definition.conditions
    short_fen = max(0, _least_fen(revision.definition) - amount_of(lines))
    short_of = max(0, conditions.minimum_quantity - sum(line.quantity for line in lines))
    if not short_fen and not short_of:
        return None
    reason = MissReason.AMOUNT if short_fen else MissReason.QUANTITY
    return _miss(revision, reason, _lacking(revision, lines, bases, short_fen=short_fen, short_of=short_of))


def _least_fen(definition: Definition) -> int:
    # What was given away, or has been refunded whole, earns nothing: not even a fixed reward.
    return max(definition.conditions.minimum_amount_fen, 1 if definition.event is EarningEvent.PURCHASE else 0)


def _lacking(
    revision: RuleRevision, lines: tuple[FactLine, ...], bases: tuple[Base, ...], *, short_fen: int, short_of: int
) -> dict[str, Any]:
    """Reckon what the rule would pay were the rest bought too, of goods that every rule here counts."""
    rest = FactLine(line_number=0, sku="", category="", quantity=short_of, amount_fen=short_fen)
    more = tuple(replace(base, lines=(*base.lines, rest)) for base in bases)
    then = worth_of(revision.definition, (*lines, rest), more)
    lacking = {"amount_fen": short_fen, "quantity": short_of, "for_points": then.points, "for_growth": then.growth}
    lacking[TEMPLATE] = revision.definition.coupon_template_id or 0
    return {name: figure for name, figure in lacking.items() if figure}


def _winners(candidates: Sequence[_Candidate]) -> dict[str, _Candidate]:
    winners: dict[str, _Candidate] = {}
    for one in candidates:
        group = one.revision.definition.stacking.group
        if group is not None and (group not in winners or _rank(one) > _rank(winners[group])):
            winners[group] = one
    return winners


def _rank(one: _Candidate) -> tuple[int, int, int, int]:
    priority = one.revision.definition.stacking.priority
    return (priority, one.worth.points, one.worth.growth, -one.revision.id)


def _refused(revision: RuleRevision, room: Room) -> Miss | None:
    template_id = revision.definition.coupon_template_id
    why = None if template_id is None else why_withheld(room, revision.id)
    return None if why is None else _miss(revision, MissReason.COUPON, {TEMPLATE: template_id, **why})


def _award(one: _Candidate, facts: EventFacts, room: Room, *, has_coupon: bool) -> Award:
    definition, worth = one.revision.definition, one.worth
    left = {
        name: figure
        for (revision_id, name), figure in room.items()
        if revision_id == one.revision.id and not is_of_coupon(name)
    }
    coupon_template_id = definition.coupon_template_id if has_coupon else None
    tightest = min(left, key=lambda name: (left[name], name), default=None)
    capped_by = tightest if tightest is not None and left[tightest] < worth.points else None
    points = worth.points if capped_by is None else max(0, left[capped_by])
    explanation = {
        **_heading(one.revision),
        "points": points,
        "growth": worth.growth,
        **worth.figures,
        **(
            {"tier_multiplier_bp": facts.tier_multiplier_bp, "tier_points": worth.tier_points}
            if worth.tier_points
            else {}
        ),
        **({"capped_by": capped_by, "before_cap": worth.points} if capped_by else {}),
        **({TEMPLATE: coupon_template_id} if coupon_template_id is not None else {}),
    }
    return Award(
        revision_id=one.revision.id,
        rule_id=one.revision.rule_id,
        points=points,
        growth=worth.growth,
        tier_points=worth.tier_points,
        capped_by=capped_by,
        explanation=explanation,
        available_after_days=definition.pending_days,
        expiry=definition.expiry,
        coupon_template_id=coupon_template_id,
    )


def _miss(revision: RuleRevision, reason: MissReason, lacking: dict[str, Any]) -> Miss:
    return Miss(
        revision_id=revision.id,
        rule_id=revision.rule_id,
        reason=reason,
        lacking=lacking,
        explanation={**_heading(revision), "reason": reason.value, "lacking": lacking},
    )


def _heading(revision: RuleRevision) -> dict[str, Any]:
    return {
        "revision_id": revision.id,
        "rule_id": revision.rule_id,
        "number": revision.number,
        "name": revision.name,
    }
