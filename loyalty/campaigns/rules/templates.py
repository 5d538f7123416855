"""Templates (活动模板): ready campaigns to start a form from, one for each kind that marketers run most.

Texts and figures are a beginning; what only the operator knows, such as which coupon, is left to the form. As they
stand they can be saved and launched.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time

from loyalty.campaigns.rules.terms import (
    Action,
    BeforeExpiry,
    Birthday,
    CampaignEvent,
    Caps,
    GiveCoupon,
    GivePoints,
    OnEvent,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Terms,
    Visit,
)
from loyalty.segments.rules import fact_types as facts
from loyalty.segments.rules.conditions import EVERYBODY

_WAYS = ("subscription", "customer", "inbox")
_LEAVE = "如不想再收到活动消息，可在“消息设置”中退订。"


_RULES_OF_A_COUPON = "符合条件的会员可得优惠券一张，券的有效期以券面为准。"
_RETOLD = (
    (re.compile(r"积分自到账当日起 \d+ 天内有效"), "券的有效期以券面为准"),
    (re.compile(r"\d+ 天内有效"), "有效期以券面为准"),
    (re.compile(r" ?\d+ 积分"), "优惠券一张"),
)
"""How the texts below read where a coupon takes the place of the points."""


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of campaign: what it is called, what it is for, and where its form starts."""

    name: str
    hint: str
    start: Callable[[], Terms]


def with_coupon(terms: Terms, template_id: int) -> Terms:
    """Return a ready campaign that gives a coupon in place of its points, as often, and says so in its texts."""
    points = sum(action.points for action in terms.actions if isinstance(action, GivePoints))
    kept = (_retold(action) for action in terms.actions if not isinstance(action, GivePoints))
    coupons = terms.caps.points // points if terms.caps.points and points else None
    return replace(
        terms,
        actions=(GiveCoupon(template_id), *kept),
        rules_text=_of_a_coupon(terms.rules_text) or _RULES_OF_A_COUPON,
        caps=replace(terms.caps, points=None, coupons=coupons),
    )


def _retold(action: Action) -> Action:
    return replace(action, body=_of_a_coupon(action.body)) if isinstance(action, SendMessage) else action


def _of_a_coupon(text: str) -> str:
    for points, coupon in _RETOLD:
        text = points.sub(coupon, text)
    return text


def newcomers() -> Terms:
    """Begin with 100 points for who enrols."""
    return Terms(
        title="新会员礼",
        audience=EVERYBODY,
        trigger=OnEvent(CampaignEvent.ENROLLED),
        actions=(
            GivePoints(100, 90),
            SendMessage("欢迎加入会员", "100 积分已放入您的账户，90 天内有效。" + _LEAVE, _WAYS),
        ),
        rules_text="活动期间新入会的会员可得 100 积分，每人一次，积分自到账当日起 90 天内有效。",
        caps=Caps(points=1_000_000),
    )


def birthdays() -> Terms:
    """Begin with 200 points three days before the birthday."""
    return Terms(
        title="生日礼",
        audience=facts.HasBirthday(),
        trigger=Birthday(days_before=3, at=time(9)),
        actions=(
            GivePoints(200, 30),
            SendMessage("生日快乐", "送您 200 积分作为生日礼，30 天内有效。" + _LEAVE, _WAYS),
        ),
        rules_text="填写了生日的会员，每年生日前 3 天可得 200 积分，积分自到账当日起 30 天内有效。",
        caps=Caps(points=1_000_000, times_a_member=10),
    )


def members_day() -> Terms:
    """Begin with points every Tuesday morning for who bought lately."""
    return Terms(
        title="会员日",
        audience=facts.Frequency(within_days=90, least=1),
        trigger=Recurring(Repetition.WEEKLY, time(10), frozenset({2})),
        actions=(
            GivePoints(20, 7),
            SendMessage("周二会员日", "今天是会员日，20 积分已到账，7 天内有效。" + _LEAVE, _WAYS),
        ),
        rules_text="最近 90 天内消费过的会员，每周二可得 20 积分，积分自到账当日起 7 天内有效。",
        caps=Caps(points=1_000_000, times_a_member=52),
    )


def sleepers() -> Terms:
    """Begin with points for who bought nothing for 90 days, a tenth held out."""
    return Terms(
        title="沉睡唤醒",
        audience=EVERYBODY,
        trigger=Sleeping(days=90),
        actions=(
            GivePoints(50, 14),
            SendMessage("好久不见", "50 积分已到账，14 天内有效，欢迎回来看看。" + _LEAVE, _WAYS),
        ),
        rules_text="连续 90 天未消费的会员可得 50 积分，积分自到账当日起 14 天内有效。",
        caps=Caps(points=500_000, times_a_member=4),
        holdout_percent=10,
    )


def expiring_points() -> Terms:
    """Begin with a message a week before at least 100 points expire."""
    return Terms(
        title="积分清零提醒",
        audience=EVERYBODY,
        trigger=BeforeExpiry(days=7, points_least=100),
        actions=(SendMessage("积分即将到期", "您有积分将在 7 天后到期，可在积分商城使用。" + _LEAVE, _WAYS),),
        caps=Caps(times_a_member=12),
    )


def store_visits() -> Terms:
    """Begin with 30 points for who comes by the QR code of a store."""
    return Terms(
        title="到店券",
        audience=EVERYBODY,
        trigger=Visit(),
        actions=(GivePoints(30, 30),),
        rules_text="会员到店扫描门店二维码参加，每人一次，可得 30 积分，积分自到账当日起 30 天内有效。",
        caps=Caps(points=300_000),
    )


def friends() -> Terms:
    """Begin with 100 points for each invited friend who qualified; the act of sharing is never paid for."""
    return Terms(
        title="老带新",
        audience=EVERYBODY,
        trigger=OnEvent(CampaignEvent.FRIEND_QUALIFIED),
        actions=(GivePoints(100, 90),),
        rules_text="受邀好友完成入会或首次消费后，邀请人可得 100 积分，每人最多 10 次，积分自到账当日起 90 天内有效。",
        caps=Caps(points=500_000, times_a_member=10),
    )


TEMPLATES: Mapping[str, Template] = {
    "newcomers": Template("新会员礼", "入会即送，每人一次", newcomers),
    "birthdays": Template("生日礼", "生日前几天送，每年一次", birthdays),
    "members_day": Template("会员日", "每周固定一天，向近期消费过的会员发放", members_day),
    "sleepers": Template("沉睡唤醒", "一段时间没有消费的会员，留一成作对照看效果", sleepers),
    "expiring_points": Template("积分清零提醒", "积分到期前提醒，不花成本", expiring_points),
    "store_visits": Template("到店券", "会员扫门店二维码参加，送券吸引到店", store_visits),
    "friends": Template("老带新", "好友入会或消费后奖励邀请人，不奖励分享本身", friends),
}
