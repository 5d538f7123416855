"""Tier service: growth is counted once for each reference, and every change of a level is noted with its cause."""

from loyalty.tiers.queries import tier_of
from loyalty.tiers.service.evaluation import Evaluated, evaluate_page
from loyalty.tiers.service.growth import Review, lower, reach, review
from loyalty.tiers.service.ladder import save_policy, save_tiers
from loyalty.tiers.service.manual import end_manual_level, set_manual_level
from loyalty.tiers.service.transfers import transfer

__all__ = [
    "Evaluated",
    "Review",
    "end_manual_level",
    "evaluate_page",
    "lower",
    "reach",
    "review",
    "save_policy",
    "save_tiers",
    "set_manual_level",
    "tier_of",
    "transfer",
]
