"""Use cases of missions: their life, counting events, paying, claiming, and taking back."""

from loyalty.missions.service.claiming import Claimed, Withheld, claim
from loyalty.missions.service.counting import Happening, count
from loyalty.missions.service.friends import count_friend
from loyalty.missions.service.looking import look
from loyalty.missions.service.merging import transfer
from loyalty.missions.service.orders import count_order
from loyalty.missions.service.reviewing import follow_release, follow_reversal
from loyalty.missions.service.sharing import share

__all__ = [
    "Claimed",
    "Happening",
    "Withheld",
    "claim",
    "count",
    "count_friend",
    "count_order",
    "follow_release",
    "follow_reversal",
    "look",
    "share",
    "transfer",
]
