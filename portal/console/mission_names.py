"""What missions, their states and their parts are called on the console's pages."""

from typing import TYPE_CHECKING

from loyalty.coupons.queries import titles as coupons
from loyalty.missions.rules.terms import MissionState
from loyalty.missions.rules.words import EVENT_NAMES, MEASURE_NAMES, PERIOD_NAMES, Names
from loyalty.tiers import queries as tiers

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

__all__ = ["EVENT_NAMES", "MEASURE_NAMES", "PERIOD_NAMES", "STATE_COLOURS", "STATE_NAMES", "names_for_sentences"]

STATE_NAMES = {
    MissionState.DRAFT: "草稿",
    MissionState.LIVE: "已发布",
    MissionState.PAUSED: "暂停发放",
    MissionState.STOPPED: "已停止",
}
STATE_COLOURS = {
    MissionState.DRAFT: "orange",
    MissionState.LIVE: "green",
    MissionState.PAUSED: "yellow",
    MissionState.STOPPED: "secondary",
}


def names_for_sentences(session: "Session") -> Names:
    """Return what sentences call tiers and coupons."""
    return Names(
        tiers={tier.level: tier.name for tier in tiers.list_tiers(session)}, coupons=coupons.list_choices(session)
    )
