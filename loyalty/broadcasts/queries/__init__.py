"""Reads of broadcasts: what each says and how far it is, the policy, and whom a message would reach."""

from loyalty.broadcasts.queries.broadcasts import BroadcastView, get_broadcast, list_broadcasts
from loyalty.broadcasts.queries.policy import current_policy
from loyalty.broadcasts.queries.progress import Progress, progress
from loyalty.broadcasts.queries.reach import reach
from loyalty.broadcasts.rules.reach import Reach, reach_sentence

__all__ = [
    "BroadcastView",
    "Progress",
    "Reach",
    "current_policy",
    "get_broadcast",
    "list_broadcasts",
    "progress",
    "reach",
    "reach_sentence",
]
