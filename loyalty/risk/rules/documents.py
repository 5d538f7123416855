"""Risk rules as JSON documents, as they are stored and sent. Reading is strict."""

from collections.abc import Sequence
from typing import Any

from loyalty.kernel.documents import Unreadable, choice, flag, list_of, or_none, parts, set_of, text, whole
from loyalty.risk.rules.deciding import Bound, Condition, InvalidRiskRules, Rule
from loyalty.risk.rules.signals import Fact, Signal, named
from loyalty.risk.rules.subjects import Occasion, Verdict


def to_json(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Return rules as they are stored."""
    return [
        {
            "name": rule.name,
            "title": rule.title,
            "occasions": sorted(rule.occasions),
            "conditions": [_condition_to_json(one) for one in rule.conditions],
            "verdict": rule.verdict.value,
            "is_on": rule.is_on,
        }
        for rule in rules
    ]


def from_json(document: object) -> tuple[Rule, ...]:
    """Read rules; whether they make sense is ``check_rules``' to say.

    Raises:
        InvalidRiskRules: a key is unknown or missing, or a value has another type.
    """
    try:
        rules: tuple[Rule, ...] = list_of(_rule)("rules", document)
    except Unreadable as error:
        raise InvalidRiskRules([error.problem]) from error
    return rules


def _condition_to_json(condition: Condition) -> dict[str, Any]:
    return {
        "measured": condition.measured.value,
        "value": condition.value,
        "bound": condition.bound.value,
        "within_hours": condition.within_hours,
    }


def _rule(name: str, value: object) -> Rule:
    return Rule(**parts(name, value, _RULE, needed=_RULE))


def _condition(name: str, value: object) -> Condition:
    return Condition(**parts(name, value, _CONDITION, needed=_CONDITION))


def _measured(name: str, value: object) -> Signal | Fact:
    try:
        return named(text(name, value))
    except ValueError as error:
        raise Unreadable(name, f"须为以下之一：{'、'.join((*Signal, *Fact))}") from error


_CONDITION = {
    "measured": _measured,
    "value": whole,
    "bound": choice(Bound),
    "within_hours": or_none(whole),
}
_RULE = {
    "name": text,
    "title": text,
    "occasions": set_of(choice(Occasion)),
    "conditions": list_of(_condition),
    "verdict": choice(Verdict),
    "is_on": flag,
}
