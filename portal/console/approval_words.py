"""What waits for approval in words: its kind, what it is called, and how much it is about."""

from collections.abc import Mapping
from typing import Any

from loyalty.kernel.wording import yuan
from loyalty.partners.rules.keys import KeyChange
from loyalty.reports.waiting import Waiting, WaitingKind
from portal.console.partner_keys import CHANGE_NAMES

KIND_NAMES = {
    WaitingKind.CAMPAIGN: "营销活动",
    WaitingKind.ADJUSTMENT_BATCH: "批量调整积分",
    WaitingKind.COUPON_ISSUE: "批量发券",
    WaitingKind.PAYOUT: "提现",
    WaitingKind.PAYOUT_BATCH: "批量打款",
    WaitingKind.PARTNER_KEY: "接入密钥",
    WaitingKind.EARNING_OVERRIDE: "门店调整积分规则",
}


def title_of(one: Waiting, numbers: Mapping[int, str]) -> str:
    """Return what people call it."""
    if one.kind is WaitingKind.PAYOUT:
        return f"会员 {numbers.get(one.facts['member_id'], '')} 的提现"
    if one.kind is WaitingKind.PAYOUT_BATCH:
        return f"{one.facts['business_on']} 批量打款"
    return one.title or f"编号 {one.id}"


def facts_of(one: Waiting, places: Mapping[int, str]) -> str:
    """Return how much it is about, as it was submitted."""
    facts = one.facts
    match one.kind:
        case WaitingKind.CAMPAIGN:
            return _campaign(facts)
        case WaitingKind.ADJUSTMENT_BATCH:
            return f"{facts['rows']:,} 位会员，增加 {facts['credit_points']:,}、扣减 {facts['debit_points']:,} 积分"
        case WaitingKind.COUPON_ISSUE:
            return f"{facts['title']}，名单 {facts['members']:,} 人"
        case WaitingKind.PAYOUT:
            return yuan(facts["amount_fen"]) + ("，风控可疑" if facts["is_suspicious"] else "")
        case WaitingKind.PAYOUT_BATCH:
            return f"{facts['members']:,} 人，合计 {yuan(facts['total_fen'])}"
        case WaitingKind.PARTNER_KEY:
            return CHANGE_NAMES[KeyChange(facts["change"])]
        case WaitingKind.EARNING_OVERRIDE:
            place = places.get(one.node_id or 0, "")
            return f"{place}：{'不参加这条规则' if facts['is_excluded'] else '使用不同的规则'}"


def _campaign(facts: Mapping[str, Any]) -> str:
    most = facts["most_fen"]
    cost = "成本没有封顶" if most is None else f"最多 {yuan(most)}"
    return f"预计 {facts['members']:,} 人，{cost}"
