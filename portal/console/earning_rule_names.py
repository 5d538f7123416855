"""What earning rules, their states and the places they hold in are called on the console's pages."""

from typing import TYPE_CHECKING

from loyalty.coupons.queries import titles as coupons
from loyalty.earning.rules.lifecycle import OverridePolicy, RuleState
from loyalty.earning.rules.words import EVENT_NAMES, Names
from loyalty.stores import queries as stores
from loyalty.stores.rules import EVERYTHING
from loyalty.tags import queries as tags
from loyalty.tiers import queries as tiers

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

__all__ = ["EVENT_NAMES", "POLICY_NAMES", "STATE_COLOURS", "STATE_NAMES", "names_for_sentences"]

STATE_NAMES = {
    RuleState.DRAFT: "草稿",
    RuleState.SCHEDULED: "待生效",
    RuleState.LIVE: "生效中",
    RuleState.ENDED: "已结束",
}
STATE_COLOURS = {
    RuleState.DRAFT: "orange",
    RuleState.SCHEDULED: "blue",
    RuleState.LIVE: "green",
    RuleState.ENDED: "secondary",
}
POLICY_NAMES = {
    OverridePolicy.NONE: "不允许，全部按总部规则",
    OverridePolicy.EXCLUDE: "可以申请不参加",
    OverridePolicy.OVERRIDE: "可以申请不参加，或使用不同的规则",
}


def names_for_sentences(session: "Session") -> Names:
    """Return what sentences call stores, regions, tiers, tags and coupons."""
    return Names(
        nodes={node.id: node.name for node in stores.list_tree(session, scope=EVERYTHING)},
        tiers={tier.level: tier.name for tier in tiers.list_tiers(session)},
        tags=tags.names(session),
        coupons=coupons.list_choices(session),
    )
