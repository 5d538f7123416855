"""Explanations (积分说明): why an entry moved points, as one Chinese sentence for members and staff.

An entry stores codes and figures, never a sentence, so that the wording can improve for entries already written.
What a rule adds, such as a check-in's day of the streak, is told by the sentence of that rule.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from loyalty.points.rules import EntryKind

Explanation = Mapping[str, Any]

ADJUSTMENT_REASONS = {
    "correction": "差错更正",
    "service_recovery": "服务补偿",
    "campaign": "活动补发",
    "gift": "赠送积分",
    "violation": "违规扣回",
}

_OWED = {"negative": "积分余额暂为负数", "offset_next_earn": "将从下次获得的积分中抵扣"}


def sentence(*, kind: str, points: int, explanation: Explanation) -> str:
    """Say in Chinese why an entry moved these points.

    An explanation that is unknown or incomplete falls back to what the entry's kind says, since a statement
    must never fail on one of its lines.
    """
    told = _told_by_rule(points, explanation) or _BY_KIND[EntryKind(kind)](points, explanation)
    return told + _of_debt(explanation)


def _told_by_rule(points: int, explanation: Explanation) -> str | None:
    tell = _BY_RULE.get(str(explanation.get("rule")))
    try:
        return None if tell is None else tell(points, explanation)
    except (KeyError, TypeError, ValueError):
        return None


def _check_in(points: int, explanation: Explanation) -> str:
    base, bonus = int(explanation["base"]), int(explanation["bonus"])
    told = f"连续签到第{int(explanation['streak'])}天，基础{base}积分"
    return f"{told}＋连签奖励{bonus}积分" if bonus else told


def _adjustment(points: int, explanation: Explanation) -> str:
    reason = ADJUSTMENT_REASONS.get(str(explanation.get("reason")))
    direction = "增加" if points > 0 else "扣减"
    told = f"人工调整，{direction}{abs(points)}积分"
    return f"{told}（{reason}）" if reason else told


def _refund(points: int, explanation: Explanation) -> str:
    return _taken_back("退货退款", points, explanation)


def _refund_of_points(points: int, explanation: Explanation) -> str:
    return f"退货退款，退回抵现的{points}积分{_of_grace(explanation)}"


def _points_as_money(points: int, explanation: Explanation) -> str:
    yuan, fen = divmod(int(explanation["amount_fen"]), 100)
    return f"积分抵现{yuan}.{fen:02d}元，使用{-points}积分"


def _coupon_price(points: int, explanation: Explanation) -> str:
    return f"兑换优惠券「{explanation['title']}」，使用{-points}积分"


def _coupon_bonus(points: int, explanation: Explanation) -> str:
    """Say what came of using a coupon early, or that it is gone since the use was undone (撤销核销)."""
    if points > 0:
        return f"尽早使用优惠券「{explanation['title']}」，奖励{points}积分"
    return _taken_back(f"优惠券「{explanation['title']}」撤销核销", points, explanation)


def _mission(points: int, explanation: Explanation) -> str:
    """Say which mission paid, or that a refund has made it undone."""
    if points > 0:
        return f"完成任务「{explanation['title']}」，奖励{points}积分"
    return _taken_back(f"任务「{explanation['title']}」因退款不再达标", points, explanation)


def _campaign(points: int, explanation: Explanation) -> str:
    """Say which campaign gave it, or that the campaign was undone as far as it was unused (整体撤回)."""
    if points > 0:
        return f"参加活动「{explanation['title']}」，获得{points}积分"
    return _taken_back(f"活动「{explanation['title']}」撤回", points, explanation)


def _referral(points: int, explanation: Explanation) -> str:
    """Say for which side of an invitation (邀请) it was paid, or that it was taken back."""
    side = _REFERRAL_SIDES[explanation["side"]]
    return f"{side}，奖励{points}积分" if points > 0 else _taken_back(f"{side}失效", points, explanation)


def _payout(points: int, explanation: Explanation) -> str:
    yuan, fen = divmod(int(explanation["amount_fen"]), 100)
    return f"收益{yuan}.{fen:02d}元兑换为{points}积分"


def _earning(points: int, explanation: Explanation) -> str:
    return f"{_EVENT_NAMES[explanation['event']]}，获得{points}积分"


def _reversal(points: int, explanation: Explanation) -> str:
    if points > 0:
        return f"撤销一笔扣减，退回{points}积分{_of_grace(explanation)}"
    return _taken_back("撤销一笔入账", points, explanation)


def _taken_back(why: str, points: int, explanation: Explanation) -> str:
    told = f"{why}，扣回{-points}积分"
    if owed := int(explanation.get("owed", 0)):
        told += f"，其中{owed}积分已用完，{_OWED[explanation['shortfall']]}"
    if expired := int(explanation.get("expired", 0)):
        told += f"，另有{expired}积分此前已过期"
    if forgiven := int(explanation.get("forgiven", 0)):
        told += f"，另有{forgiven}积分已用完，不再追回"
    return told


def _of_grace(explanation: Explanation) -> str:
    graced = int(explanation.get("graced", 0))
    if not graced:
        return ""
    until_on = date.fromisoformat(explanation["graced_until_on"])
    return f"，其中{graced}积分原已过期，宽限至{until_on.month}月{until_on.day}日"


def _of_debt(explanation: Explanation) -> str:
    paid = int(explanation.get("debt_paid", 0))
    return f"，其中{paid}积分用于抵扣所欠积分" if paid else ""


def _expiry(points: int, explanation: Explanation) -> str:
    """Say of which points the member was told, and which ended after two graces (已延期两次)."""
    graced = int(explanation["after_graces"])
    if not graced:
        return f"{-points}积分已到期，到期前已提醒"
    of_them = "" if graced == -points else f"其中{graced}积分"
    return f"{-points}积分已到期，{of_them}曾两次延期并留有站内提醒，按入会时告知的规则到期"


def _transfer(points: int, explanation: Explanation) -> str:
    debt = int(explanation.get("debt", 0))
    is_arrival = "from_member_id" in explanation or ("to_member_id" not in explanation and points > 0)
    told = f"会员账号合并，转入{points + debt}积分" if is_arrival else f"会员账号合并，转出{debt - points}积分"
    return f"{told}和待抵扣的{debt}积分" if debt else told


_EVENT_NAMES = {
    "check_in": "签到奖励",
    "enrolled": "入会礼",
    "profile_completed": "完善资料奖励",
    "birthday": "生日礼",
    "review": "评价奖励",
    "custom": "活动奖励",
}
_REFERRAL_SIDES = {"referrer": "成功邀请好友", "referee": "受邀入会", "sharer": "好友访问"}
_BY_RULE: Mapping[str, Callable[[int, Explanation], str]] = {
    "check_in": _check_in,
    "enrolment": lambda points, _explanation: f"入会礼，获得{points}积分",
    "purchase": lambda points, _explanation: f"消费获得{points}积分",
    "earning": _earning,
    "points_as_money": _points_as_money,
    "coupon_price": _coupon_price,
    "coupon_bonus": _coupon_bonus,
    "mission": _mission,
    "make_up_card": lambda points, _explanation: f"兑换补签卡，使用{-points}积分",
    "referral": _referral,
    "campaign": _campaign,
    "payout": _payout,
    "refund": _refund,
    "refund_of_points": _refund_of_points,
    "adjustment": _adjustment,
    "expiry": _expiry,
}

_BY_KIND: Mapping[EntryKind, Callable[[int, Explanation], str]] = {
    EntryKind.EARN: lambda points, _explanation: f"获得{points}积分",
    EntryKind.SPEND: lambda points, _explanation: f"使用{-points}积分",
    EntryKind.EXPIRE: lambda points, _explanation: f"{-points}积分已过期",
    EntryKind.REVERSE: _reversal,
    EntryKind.ADJUST: _adjustment,
    EntryKind.TRANSFER: _transfer,
}
