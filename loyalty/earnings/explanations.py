"""Explanations (收益说明): why an entry moved money, as one Chinese sentence for members and staff.

An entry stores codes and figures, never a sentence, so that the wording can improve for entries already written.
"""

from collections.abc import Callable, Mapping
from typing import Any

from loyalty.earnings.commission_words import commission_sentence
from loyalty.earnings.rules import EarningsKind
from loyalty.kernel.wording import yuan

Explanation = Mapping[str, Any]

KIND_NAMES = {
    EarningsKind.ACCRUE: "计提",
    EarningsKind.APPROVE: "结算",
    EarningsKind.REVERSE: "冲正",
    EarningsKind.WITHDRAW: "提现",
    EarningsKind.WITHHOLD: "代扣个税",
    EarningsKind.RETURN: "提现退回",
    EarningsKind.TRANSFER: "账号合并",
    EarningsKind.FORFEIT: "注销清零",
}
"""What the kinds of entries are called in filters and lists."""

_BY_KIND: Mapping[EarningsKind, str] = {
    EarningsKind.ACCRUE: "获得收益，待结算",
    EarningsKind.APPROVE: "收益结算，可以提现",
    EarningsKind.REVERSE: "收益冲正",
    EarningsKind.WITHDRAW: "提现",
    EarningsKind.WITHHOLD: "提现代扣个人所得税",
    EarningsKind.RETURN: "提现退回",
    EarningsKind.TRANSFER: "账号合并转移",
    EarningsKind.FORFEIT: "注销会员，收益清零",
}
_RETURNS = {
    "failed": "提现未成功，金额退回",
    "cancelled": "提现已撤销，金额退回",
    "overdue": "提现超过 24 小时未确认，金额退回",
    "refused": "微信支付未受理提现，金额退回",
    "rejected": "提现复核未通过，金额退回",
}


def sentence(*, kind: EarningsKind, explanation: Explanation) -> str:
    """Say in Chinese why an entry moved money.

    An explanation that is unknown or incomplete falls back to what the entry's kind says, since a statement must
    never fail on one of its lines.
    """
    tell = _TOLD.get(kind)
    try:
        told = commission_sentence(kind, explanation) or (None if tell is None else tell(explanation))
    except (KeyError, TypeError, ValueError):
        told = None
    return told or _BY_KIND[kind]


def _returned(explanation: Explanation) -> str:
    told, tax_fen = _RETURNS[explanation["reason"]], int(explanation.get("tax_fen", 0))
    return f"{told}（含代扣个税 {yuan(tax_fen)}）" if tax_fen else told


def _refunded(explanation: Explanation) -> str | None:
    return "订单退款，收益冲正" if explanation.get("rule") == "refund" else None


_TOLD: Mapping[EarningsKind, Callable[[Explanation], str | None]] = {
    EarningsKind.RETURN: _returned,
    EarningsKind.REVERSE: _refunded,
}
