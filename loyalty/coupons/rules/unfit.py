"""Why a coupon does not pay for a basket (不可用原因), and how that reads in Chinese."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any

from loyalty.coupons.rules.states import Standing
from loyalty.kernel.local_time import Hours
from loyalty.kernel.wording import span, weekdays, yuan

Lacking = Mapping[str, Any]
"""The figures behind a reason, as JSON: what ``explain`` fills in, and what a till may show in its own way."""


class Unfit(StrEnum):
    """Why a coupon does not pay."""

    NOT_STARTED = "not_started"
    LAPSED = "lapsed"
    USED = "used"
    LOCKED = "locked"
    VOIDED = "voided"
    STORE = "store"
    CHANNEL = "channel"
    WEEKDAY = "weekday"
    HOURS = "hours"
    PRODUCT = "product"
    THRESHOLD = "threshold"
    NOTHING_TO_DISCOUNT = "nothing_to_discount"
    """The goods cost nothing more, or no more than the fixed price."""
    STACKING = "stacking"
    """It does not pay together with a coupon that was chosen before it."""
    TOO_MANY = "too_many"


ABOUT_THE_GOODS = frozenset({Unfit.PRODUCT, Unfit.THRESHOLD, Unfit.NOTHING_TO_DISCOUNT})
"""Why a coupon does not pay as long as nobody says what is bought."""
_OF_STANDING = {
    Standing.UPCOMING: Unfit.NOT_STARTED,
    Standing.LAPSED: Unfit.LAPSED,
    Standing.USED: Unfit.USED,
    Standing.LOCKED: Unfit.LOCKED,
    Standing.VOIDED: Unfit.VOIDED,
}
_WORDS = {
    Unfit.NOT_STARTED: "本券尚未到可用时间",
    Unfit.LAPSED: "本券已过期",
    Unfit.USED: "本券已使用",
    Unfit.LOCKED: "本券已被另一笔待支付订单占用",
    Unfit.VOIDED: "本券已作废",
    Unfit.STORE: "本券不适用于当前门店",
    Unfit.PRODUCT: "没有本券适用的商品",
    Unfit.NOTHING_TO_DISCOUNT: "本券适用的商品已没有可优惠的金额",
    Unfit.STACKING: "不能与已选的优惠券同时使用",
}


def unfit_of(standing: Standing) -> Unfit | None:
    """Return why a coupon that stands so cannot be used; None for one that can."""
    return _OF_STANDING.get(standing)


def explain(unfit: Unfit, lacking: Lacking) -> str:
    """Say in Chinese why a coupon does not pay, and what would help."""
    match unfit:
        case Unfit.THRESHOLD:
            return f"再买 {yuan(lacking['amount_fen'])} 可用"
        case Unfit.CHANNEL:
            return f"本券仅限 {'、'.join(lacking['channels'])} 渠道使用"
        case Unfit.WEEKDAY:
            return f"本券仅限 {weekdays(lacking['weekdays'])} 使用"
        case Unfit.HOURS:
            return f"本券仅限 {_hours(lacking['hours'])} 使用"
        case Unfit.TOO_MANY:
            return f"一笔订单最多使用 {lacking['most']} 张优惠券"
        case Unfit.NOT_STARTED if "usable_on" in lacking:
            day = date.fromisoformat(lacking["usable_on"])
            return f"本券 {day.year}年{day.month}月{day.day}日 起可用"
    return _WORDS[unfit]


def _hours(spans: Iterable[tuple[int, int]]) -> str:
    return "、".join(span(Hours(start, until)) for start, until in spans)
