"""Use cases of risk, one file each, offered here by name."""

from loyalty.risk.service.asking import ask_wechat
from loyalty.risk.service.assessing import assess
from loyalty.risk.service.blocking import block, block_where_seen, unblock
from loyalty.risk.service.deciding import release, reverse
from loyalty.risk.service.housekeeping import forget_old_sightings
from loyalty.risk.service.rules import save_rules
from loyalty.risk.service.sighting import note_phone, note_sighting, places_of, recognise

__all__ = [
    "ask_wechat",
    "assess",
    "block",
    "block_where_seen",
    "forget_old_sightings",
    "note_phone",
    "note_sighting",
    "places_of",
    "recognise",
    "release",
    "reverse",
    "save_rules",
    "unblock",
]
