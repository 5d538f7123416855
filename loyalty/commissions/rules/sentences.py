"""The plan in words, as lists and previews show it."""

from collections.abc import Iterator

from loyalty.commissions.rules.plan import Plan, Rate
from loyalty.earnings.commission_words import amount_words
from loyalty.kernel.wording import yuan


def sentence(plan: Plan) -> str:
    """Say in Chinese what a plan pays."""
    return "；".join(_told(plan))


def rate_words(rate: Rate) -> str:
    """Say what some goods pay."""
    return f"{goods_words(rate)}{amount_words(rate.basis_points, rate.fixed_fen)}"


def goods_words(rate: Rate) -> str:
    """Say which goods."""
    named = [*(f"品类 {one}" for one in sorted(rate.categories)), *(f"商品 {one}" for one in sorted(rate.skus))]
    return f"{'、'.join(named)}：" if named else ""


def _told(plan: Plan) -> Iterator[str]:
    if not plan.is_open:
        yield "已停止计佣"
    for name, rates in (("一级", plan.first), ("二级", plan.second)):
        if rates:
            yield f"{name}：" + "，".join(rate_words(rate) for rate in rates)
    if plan.is_first_order_only:
        yield "只计好友的首单"
    if plan.months is not None:
        yield f"好友入会后 {plan.months} 个月内"
    yield f"付款满 {plan.pending_days} 天后结算"
    caps = (("每单", plan.order_cap_fen), ("每日", plan.day_cap_fen), ("每月", plan.month_cap_fen))
    limited = [f"{name}最多 {yuan(fen)}" for name, fen in caps if fen is not None]
    if limited:
        yield "，".join(limited)
