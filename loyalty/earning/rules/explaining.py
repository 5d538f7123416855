"""Explaining: a kept explanation of an award or a miss as one Chinese sentence."""

from collections.abc import Iterator
from typing import Any

from loyalty.earning.rules.coupons import TEMPLATE, TITLE
from loyalty.earning.rules.definition import Rounding
from loyalty.earning.rules.matching import MissReason
from loyalty.earning.rules.words import COUPON_REFUSALS, LIMIT_NAMES, MISS_NAMES, ROUNDING_NAMES, times
from loyalty.kernel.wording import yuan


def explain(explanation: dict[str, Any]) -> str:
    """Return what the explanation of an award or of a miss says, for members and staff alike."""
    told = _miss(explanation, _coupon(explanation)) if "reason" in explanation else "，".join(_award(explanation))
    return f"{explanation['name']}：{told}"


def _award(figures: dict[str, Any]) -> Iterator[str]:
    points, before_cap = figures["points"], figures.get("before_cap", figures["points"])
    if "each_fen" in figures:
        rounding = ROUNDING_NAMES[Rounding(figures["rounding"])]
        yield f"消费 {yuan(figures['amount_fen'])}"
        yield f"每 {yuan(figures['each_fen'])} 得 {figures['value']:,} 积分（{rounding}）"
        yield f"得 {figures['base_points']:,} 积分"
    elif "basis_points" in figures:
        yield f"基础积分 {times(figures['basis_points'])} 倍，多得 {before_cap:,} 积分"
    elif before_cap:
        yield f"得 {before_cap:,} 积分"
    if "tier_points" in figures:
        yield f"会员等级 {times(figures['tier_multiplier_bp'])} 倍，多得 {figures['tier_points']:,} 积分"
    if "capped_by" in figures:
        yield f"已到{LIMIT_NAMES.get(figures['capped_by'], figures['capped_by'])}，实得 {points:,} 积分"
    if figures["growth"]:
        yield f"成长值 +{figures['growth']:,}"
    if TEMPLATE in figures:
        yield f"送 {_coupon(figures)}"


def _miss(figures: dict[str, Any], coupon: str) -> str:
    reason, lacking = MissReason(figures["reason"]), figures["lacking"]
    if reason is MissReason.OUTRANKED:
        return f"与「{lacking['by_name']}」不同享，已按后者发放"
    if reason is MissReason.COUPON:
        return f"{coupon}没有送出：{_refusal(lacking)}"
    if reason not in (MissReason.AMOUNT, MissReason.QUANTITY):
        return MISS_NAMES[reason]
    short = [yuan(lacking["amount_fen"])] if "amount_fen" in lacking else []
    short += [f"{lacking['quantity']} 件"] if "quantity" in lacking else []
    gains = [f"{lacking['for_points']:,} 积分"] if "for_points" in lacking else []
    gains += [f"{lacking['for_growth']:,} 成长值"] if "for_growth" in lacking else []
    gains += [coupon] if TEMPLATE in lacking else []
    return f"差 {'、'.join(short)} 可得 {'、'.join(gains)}" if gains else MISS_NAMES[reason]


def _coupon(explanation: dict[str, Any]) -> str:
    title: str = explanation.get(TITLE, "优惠券")
    return title


def _refusal(lacking: dict[str, Any]) -> str:
    code = lacking["refusal"]
    return COUPON_REFUSALS.get(f"{code}:{lacking.get('limit')}") or COUPON_REFUSALS.get(code, "暂时不能发放")
