"""Commissions (佣金) in words, as statements, lists and plans tell them; entries hold codes and figures."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from loyalty.earnings.rules import EarningsKind
from loyalty.kernel.wording import yuan

RULE = "commission"
"""What the explanation of an entry says that a commission caused."""
REASONS = {
    "first_order_only": "只有好友的首单计佣金",
    "months_over": "已超过好友入会后的计佣期限",
    "nothing_in_scope": "没有计佣的商品",
    "refunded": "订单已退款",
    "corrected": "订单已更正",
    "channel_off": "该分享渠道已关闭",
    "blocklisted": "未通过安全校验",
    "earner_gone": "会员已注销",
    "not_invited": "邀请关系无效",
    "order_cap": "已达每单上限",
    "day_cap": "已达当日上限",
    "month_cap": "已达当月上限",
}
"""Why a purchase earned nothing, less, or no longer, by code."""
_LEVELS = {1: "好友消费佣金", 2: "好友的好友消费佣金"}

Explanation = Mapping[str, Any]


def commission_sentence(kind: EarningsKind, explanation: Explanation) -> str | None:
    """Say what an entry is about that a commission caused; None where it was caused by something else.

    Raises:
        KeyError, TypeError, ValueError: the explanation is unknown or incomplete.
    """
    tell = _BY_KIND.get(kind) if explanation.get("rule") == RULE else None
    return None if tell is None else f"{_LEVELS[int(explanation['level'])]}：{tell(explanation)}"


def missed_sentence(*, level: int, paid_on: date, reason: str) -> str:
    """Say which purchase earned nothing, and why."""
    return f"{_LEVELS[level]}：{_day(paid_on)}的订单没有佣金，{REASONS[reason]}"


def amount_words(basis_points: int, fixed_fen: int) -> str:
    """Say how much some goods pay: a part of what was paid, an amount for each order, or nothing."""
    if basis_points:
        return f"实付金额的 {basis_points / 100:g}%"
    return f"每单 {yuan(fixed_fen)}" if fixed_fen else "不计佣金"


def _accrued(explanation: Explanation) -> str:
    paid_at = datetime.fromisoformat(explanation["paid_at"])
    where = explanation["store_name"] or "线上"
    terms = "，".join(_term(term) for term in explanation["terms"])
    limited_by = explanation.get("limited_by")
    limited = "" if limited_by is None else f"（{REASONS[limited_by]}）"
    return (
        f"{_day(paid_at.date())} {paid_at:%H:%M} {where}的订单，{terms}{limited}，按方案第 {explanation['plan_id']} 版"
    )


def _term(term: Mapping[str, int]) -> str:
    rate = f"×{term['basis_points'] / 100:g}%" if "basis_points" in term else f"，{amount_words(0, term['fixed_fen'])}"
    return f"实付 {yuan(term['base_fen'])}{rate}，得 {yuan(term['amount_fen'])}"


def _approved(explanation: Explanation) -> str:
    return f"{_of_day(explanation)}已过退款期，可以提现"


def _reversed(explanation: Explanation) -> str:
    return f"{_of_day(explanation)}佣金冲回，{REASONS[explanation['reason']]}"


def _of_day(explanation: Explanation) -> str:
    return f"{_day(date.fromisoformat(explanation['paid_on']))}的订单，"


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


_BY_KIND: Mapping[EarningsKind, Callable[[Explanation], str]] = {
    EarningsKind.ACCRUE: _accrued,
    EarningsKind.APPROVE: _approved,
    EarningsKind.REVERSE: _reversed,
}
