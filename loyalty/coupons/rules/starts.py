"""Starts (常用券): terms to begin a form from, one for each kind of coupon that marketers issue most."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from loyalty.coupons.rules.terms import (
    CashOff,
    Claiming,
    DaysFromIssue,
    FixedDates,
    FixedPrice,
    Gift,
    MemberLimits,
    PercentOff,
    Terms,
)

_IN_CENTRE = Claiming(is_in_centre=True)


@dataclass(frozen=True, slots=True)
class Start:
    """One kind of coupon: what it is called, what it is for, and where its form starts."""

    name: str
    hint: str
    begin: Callable[[date], Terms]
    """Makes the terms, given today's business date."""


def _cash_off(_today: date) -> Terms:
    return Terms(
        title="满 100 减 20",
        worth=CashOff(20_00),
        threshold_fen=100_00,
        validity=DaysFromIssue(30),
        claiming=_IN_CENTRE,
    )


def _percent_off(today: date) -> Terms:
    fortnight = FixedDates(today, today + timedelta(days=13))
    return Terms(title="8.5 折券", worth=PercentOff(15, 50_00), validity=fortnight, claiming=_IN_CENTRE)


def _gift(_today: date) -> Terms:
    return Terms(title="赠饮券", worth=Gift("美式咖啡一杯"), validity=DaysFromIssue(30))


def _fixed_price(_today: date) -> Terms:
    return Terms(title="9.9 元特价券", worth=FixedPrice(9_90), validity=DaysFromIssue(7), claiming=_IN_CENTRE)


def _newcomer(_today: date) -> Terms:
    return Terms(title="新人券", worth=CashOff(10_00), threshold_fen=30_00, validity=DaysFromIssue(15))


def _for_points(_today: date) -> Terms:
    return Terms(
        title="500 积分换 10 元",
        worth=CashOff(10_00),
        validity=DaysFromIssue(30),
        member_limits=MemberLimits(total=None, per_day=1),
        claiming=Claiming(is_in_centre=True, points_price=500),
    )


STARTS: Mapping[str, Start] = {
    "cash_off": Start("满减券", "满一定金额减若干元，在领券中心领取", _cash_off),
    "percent_off": Start("折扣券", "打折，可设最高减免，在固定日期内使用", _percent_off),
    "gift": Start("礼品券", "到店兑换一件礼品，由店员交付", _gift),
    "fixed_price": Start("特价券", "指定商品一件以特价购买，请先填写商品或品类", _fixed_price),
    "newcomer": Start("新人券", "入会后由积分规则或批量发放，不在领券中心展示", _newcomer),
    "for_points": Start("积分兑换券", "会员用积分兑换，每人每天限一张", _for_points),
}
