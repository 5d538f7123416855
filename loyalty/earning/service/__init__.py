"""Use cases of earning: the life of a rule, what an event earns, and what a refund takes back."""

from loyalty.earning.service.award import Outcome, award, preview
from loyalty.earning.service.events import BirthdayPage, reward, reward_birthdays
from loyalty.earning.service.facts import Gathered, Happening, gather, gather_for_anybody, gather_to_look
from loyalty.earning.service.take_back import Settled, follow_merge, settle

__all__ = [
    "BirthdayPage",
    "Gathered",
    "Happening",
    "Outcome",
    "Settled",
    "award",
    "follow_merge",
    "gather",
    "gather_for_anybody",
    "gather_to_look",
    "preview",
    "reward",
    "reward_birthdays",
    "settle",
]
