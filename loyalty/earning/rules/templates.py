"""Templates: definitions to start a form from, one for each kind of promotion that marketers run most."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from loyalty.earning.rules.definition import BirthdayMatch, Caps, Conditions, Definition, Fixed, Multiple, PerAmount
from loyalty.earning.rules.facts import EarningEvent

_PURCHASE = EarningEvent.PURCHASE
_DOUBLE = Multiple(20_000)


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of promotion: what it is called, what it is for, and where its form starts."""

    name: str
    hint: str
    start: Callable[[date], Definition]
    """Makes the definition, given today's business date."""
    has_coupon_to_choose: bool = False
    """Whether it gives nothing until a coupon is chosen in the form."""


def base_points(_today: date) -> Definition:
    """Begin with one point and one growth for each yuan."""
    return Definition(event=_PURCHASE, points=PerAmount(1, 100), growth=PerAmount(1, 100))


def amount_gift(_today: date) -> Definition:
    """Begin with 100 points from 100 yuan on (满额送), once a day."""
    conditions = Conditions(minimum_amount_fen=100_00)
    return Definition(event=_PURCHASE, points=Fixed(100), conditions=conditions, caps=Caps(member_day=100))


def members_day_double(_today: date) -> Definition:
    """Begin with double points on the 8th of each month (会员日双倍)."""
    return Definition(event=_PURCHASE, points=_DOUBLE, conditions=Conditions(month_days=frozenset({8})))


def birthday_double(_today: date) -> Definition:
    """Begin with double points on the member's birthday (生日双倍)."""
    return Definition(event=_PURCHASE, points=_DOUBLE, conditions=Conditions(birthday=BirthdayMatch.DAY))


def first_order_gift(_today: date) -> Definition:
    """Begin with 200 points for the first purchase (首单礼)."""
    return Definition(event=_PURCHASE, points=Fixed(200), conditions=Conditions(is_first_purchase=True))


def first_order_coupon(_today: date) -> Definition:
    """Begin with a coupon for the first purchase, still to be chosen (首单礼送券)."""
    return Definition(event=_PURCHASE, conditions=Conditions(is_first_purchase=True))


def products_multiple(_today: date) -> Definition:
    """Begin with triple points, for products that are still to be chosen (指定商品多倍)."""
    return Definition(event=_PURCHASE, points=Multiple(30_000))


def holiday(today: date) -> Definition:
    """Begin with double points for a week from today on (节假日活动)."""
    conditions = Conditions(first_on=today, last_on=today + timedelta(days=6))
    return Definition(event=_PURCHASE, points=_DOUBLE, conditions=conditions)


def profile_gift(_today: date) -> Definition:
    """Begin with 50 points for a completed profile (完善资料礼)."""
    return Definition(event=EarningEvent.PROFILE_COMPLETED, points=Fixed(50), caps=Caps(member_total=50))


def check_in_gift(_today: date) -> Definition:
    """Begin with 2 points beside what the check-in plan pays (签到加赠)."""
    return Definition(event=EarningEvent.CHECK_IN, points=Fixed(2), caps=Caps(member_day=2))


def enrolment_gift(_today: date) -> Definition:
    """Begin with 100 points for whoever enrols (入会礼)."""
    return Definition(event=EarningEvent.ENROLLED, points=Fixed(100), caps=Caps(member_total=100))


def birthday_gift(_today: date) -> Definition:
    """Begin with 100 points on the birthday itself, without any purchase (生日礼)."""
    return Definition(event=EarningEvent.BIRTHDAY, points=Fixed(100))


def birthday_coupon(_today: date) -> Definition:
    """Begin with a coupon on the birthday, still to be chosen (生日送券)."""
    return Definition(event=EarningEvent.BIRTHDAY)


def review_gift(_today: date) -> Definition:
    """Begin with 10 points for a review (评价礼), twice a day."""
    return Definition(event=EarningEvent.REVIEW, points=Fixed(10), caps=Caps(member_day=20))


def custom_gift(_today: date) -> Definition:
    """Begin with 10 points for an event of a connected system (自定义事件)."""
    conditions = Conditions(custom_kind="event_attended")
    return Definition(event=EarningEvent.CUSTOM, points=Fixed(10), conditions=conditions)


TEMPLATES: Mapping[str, Template] = {
    "base_points": Template("消费积分", "每消费 1 元得 1 积分", base_points),
    "amount_gift": Template("满额送", "消费满一定金额送固定积分", amount_gift),
    "members_day_double": Template("会员日双倍", "每月固定日期消费双倍积分", members_day_double),
    "birthday_double": Template("生日双倍", "生日当天或当月消费双倍积分", birthday_double),
    "first_order_gift": Template("首单礼", "第一次消费额外送积分", first_order_gift),
    "first_order_coupon": Template(
        "首单礼送券", "第一次消费送一张优惠券", first_order_coupon, has_coupon_to_choose=True
    ),
    "products_multiple": Template("指定商品多倍", "买指定商品或品类，积分翻倍", products_multiple),
    "holiday": Template("节假日活动", "一段日期内消费双倍积分", holiday),
    "profile_gift": Template("完善资料礼", "完善个人资料送积分", profile_gift),
    "check_in_gift": Template("签到加赠", "在签到方案之外再加送积分", check_in_gift),
    "enrolment_gift": Template("入会礼", "成为会员送积分", enrolment_gift),
    "birthday_gift": Template("生日礼", "生日当天送积分，不用消费", birthday_gift),
    "birthday_coupon": Template(
        "生日送券", "生日当天送一张优惠券，不用消费", birthday_coupon, has_coupon_to_choose=True
    ),
    "review_gift": Template("评价礼", "评价订单送积分", review_gift),
    "custom_gift": Template("自定义事件", "接入系统上报的其他事件送积分", custom_gift),
}
