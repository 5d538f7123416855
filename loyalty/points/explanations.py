"""Explanations (积分说明): why an entry moved points, as one Chinese sentence for members and staff.

An entry stores codes and figures, never a sentence, so that the wording can improve for entries already written.
What a rule adds, such as a check-in's day of the streak, is told by the sentence of that rule.
"""

from collections.abc import Callable, Mapping
from typing import Any

from loyalty.points.rules import EntryKind

Explanation = Mapping[str, Any]

_ADJUSTMENT_REASONS = {
    "correction": "差错更正",
    "service_recovery": "服务补偿",
    "campaign": "活动补发",
    "gift": "赠送积分",
    "violation": "违规扣回",
}


def sentence(*, kind: str, points: int, explanation: Explanation) -> str:
    """Say in Chinese why an entry moved these points.

    An explanation that is unknown or incomplete falls back to what the entry's kind says, since a statement
    must never fail on one of its lines.
    """
    tell = _BY_RULE.get(str(explanation.get("rule")))
    if tell is not None:
        try:
            return tell(points, explanation)
        except (KeyError, TypeError, ValueError):
            pass
    return _BY_KIND[EntryKind(kind)](points, explanation)


def _check_in(points: int, explanation: Explanation) -> str:
    base, bonus = int(explanation["base"]), int(explanation["bonus"])
    told = f"连续签到第{int(explanation['streak'])}天，基础{base}积分"
    return f"{told}＋连签奖励{bonus}积分" if bonus else told


def _adjustment(points: int, explanation: Explanation) -> str:
    reason = _ADJUSTMENT_REASONS.get(str(explanation.get("reason")))
    direction = "增加" if points > 0 else "扣减"
    told = f"人工调整，{direction}{abs(points)}积分"
    return f"{told}（{reason}）" if reason else told


def _reversal(points: int, explanation: Explanation) -> str:
    if points > 0:
        return f"撤销一笔扣减，退回{points}积分"
    forgiven = int(explanation.get("forgiven", 0))
    told = f"撤销一笔入账，扣回{-points}积分"
    return f"{told}，另有{forgiven}积分已用完，不再追回" if forgiven else told


def _transfer(points: int, explanation: Explanation) -> str:
    if points > 0:
        return f"会员账号合并，转入{points}积分"
    return f"会员账号合并，转出{-points}积分"


_BY_RULE: Mapping[str, Callable[[int, Explanation], str]] = {
    "check_in": _check_in,
    "enrolment": lambda points, _explanation: f"入会礼，获得{points}积分",
    "purchase": lambda points, _explanation: f"消费获得{points}积分",
    "adjustment": _adjustment,
}

_BY_KIND: Mapping[EntryKind, Callable[[int, Explanation], str]] = {
    EntryKind.EARN: lambda points, _explanation: f"获得{points}积分",
    EntryKind.SPEND: lambda points, _explanation: f"使用{-points}积分",
    EntryKind.EXPIRE: lambda points, _explanation: f"{-points}积分已过期",
    EntryKind.REVERSE: _reversal,
    EntryKind.ADJUST: _adjustment,
    EntryKind.TRANSFER: _transfer,
}
