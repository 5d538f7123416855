"""Rules of earning, pure: what a rule says, what it pays, why it did not, and how that reads in Chinese."""

from loyalty.earning.rules.definition import (
    BirthdayMatch,
    Budgets,
    Caps,
    Conditions,
    Definition,
    Fixed,
    Multiple,
    PerAmount,
    Reward,
    Rounding,
    Stacking,
)
from loyalty.earning.rules.evaluation import Award, Evaluation, Miss, Room, RuleRevision, evaluate
from loyalty.earning.rules.facts import EarningEvent, EventFacts, FactLine, is_birthday_on
from loyalty.earning.rules.matching import MissReason

__all__ = [
    "Award",
    "BirthdayMatch",
    "Budgets",
    "Caps",
    "Conditions",
    "Definition",
    "EarningEvent",
    "Evaluation",
    "EventFacts",
    "FactLine",
    "Fixed",
    "Miss",
    "MissReason",
    "Multiple",
    "PerAmount",
    "Reward",
    "Room",
    "Rounding",
    "RuleRevision",
    "Stacking",
    "evaluate",
    "is_birthday_on",
]
