"""Checking: which terms may be saved. Everything wrong is named at once, in Chinese.

What passes has a day on which it can be used, and pays for the basket that ``sample_of`` makes of it.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

from loyalty.channels.rules.inducement import check_not_induced, check_not_luring
from loyalty.coupons.rules.basket import names_goods
from loyalty.coupons.rules.errors import InvalidCouponTerms, Problem
from loyalty.coupons.rules.limiting import stock_problems
from loyalty.coupons.rules.samples import has_day_of_use
from loyalty.coupons.rules.terms import (
    CashOff,
    Claiming,
    DaysFromIssue,
    FixedDates,
    FixedPrice,
    Gift,
    PercentOff,
    Scope,
    Terms,
    Validity,
)
from loyalty.kernel.checking import ID_MAX, codes, hours, is_code, is_tidy, numbers
from loyalty.kernel.clock import end_of
from loyalty.kernel.texts import is_storable
from loyalty.kernel.wording import yuan
from loyalty.orders.rules import AMOUNT_FEN_MAX
from loyalty.points.rules import POINTS_MAX

TITLE_LENGTH_MAX = 20
GROUP_LENGTH_MAX = 20
DESCRIPTION_LENGTH_MAX = 1_000
PERCENT_MAX = 99
DAYS_MAX = 3_650
DELAY_DAYS_MAX = 365
YEAR_MIN, YEAR_MAX = 2000, 2199
LIMIT_MAX = 1_000_000_000
MEMBER_LIMIT_MAX = 10_000
BONUS_STEPS_MAX = 5
BONUS_POINTS_MAX = 1_000_000
REMINDER_DAYS_MAX = 30
TIER_LEVEL_MAX = 20
_LAST_ZONE = ZoneInfo("Etc/GMT+12")
"""Where a day ends last on earth."""
_PICTURE = re.compile(r"[0-9a-f]{16,128}")

_TEXT_SETS = {
    "skus": "商品",
    "categories": "品类",
    "excluded_skus": "不适用的商品",
    "excluded_categories": "不适用的品类",
    "channels": "渠道",
}


def check_terms(terms: Terms, *, stock: int | None = None) -> None:
    """Refuse terms by which a coupon could not be issued or redeemed as they read; of a new template, with its stock.

    Raises:
        ValueForFollowingOrSharing: its texts promise it for what WeChat forbids to pay for.
        InvalidCouponTerms: with everything that is wrong.
    """
    check_not_induced([terms.stacking.group or ""])
    check_not_luring([terms.title, terms.description, terms.worth.name if isinstance(terms.worth, Gift) else ""])
    problems = [
        *_texts(terms),
        *_worth(terms),
        *_scope(terms.scope),
        *_validity(terms.validity),
        *numbers("weekdays", "星期", terms.windows.weekdays, least=1, most=7),
        *hours("hours", terms.windows.hours),
        *_limits(terms),
        *_eligibility(terms),
        *_claiming(terms.claiming),
        *_stacking(terms),
        *_bonus(terms),
        *_aftermath(terms),
        *stock_problems(stock),
    ]
    problems = problems or [*_never_used(terms), *_claimed_too_late(terms)]
    if problems:
        raise InvalidCouponTerms(problems)


def _never_used(terms: Terms) -> Iterator[Problem]:
    if not has_day_of_use(terms):
        yield Problem("weekdays", "有效期内没有可用的星期，领到的券可能一次也用不上")


def _claimed_too_late(terms: Terms) -> Iterator[Problem]:
    # What holds in every time zone: in ours the last hours are refused when a coupon is issued.
    if not isinstance(terms.validity, FixedDates):
        return
    over_at, claiming = end_of(terms.validity.last_on, _LAST_ZONE), terms.claiming
    if claiming.opens_at is not None and claiming.opens_at >= over_at:
        yield Problem("opens_at", "领取开始时间晚于有效期")
    if claiming.closes_at is not None and claiming.closes_at > over_at:
        yield Problem("closes_at", "领取截止时间晚于有效期")


def _texts(terms: Terms) -> Iterator[Problem]:
    if not is_tidy(terms.title, TITLE_LENGTH_MAX):
        yield Problem("title", f"名称须为 1–{TITLE_LENGTH_MAX} 个字，首尾没有空格")
    if len(terms.description) > DESCRIPTION_LENGTH_MAX or not is_storable(terms.description):
        yield Problem("description", f"使用须知最多 {DESCRIPTION_LENGTH_MAX:,} 个字")
    if terms.picture is not None and not _PICTURE.fullmatch(terms.picture):
        yield Problem("picture", "没有这张图片")


def _worth(terms: Terms) -> Iterator[Problem]:
    worth = terms.worth
    if not 0 <= terms.threshold_fen <= AMOUNT_FEN_MAX:
        yield Problem("threshold_fen", f"使用门槛须为 {yuan(0)}–{yuan(AMOUNT_FEN_MAX)}")
    match worth:
        case CashOff():
            yield from _amount("amount_fen", "减免金额", worth.amount_fen)
            if 0 < terms.threshold_fen < worth.amount_fen:
                yield Problem("amount_fen", "减免金额不能高于使用门槛")
        case PercentOff():
            yield from _percent(worth)
        case FixedPrice():
            yield from _amount("price_fen", "特价", worth.price_fen)
            if not names_goods(terms.scope):
                yield Problem("skus", "特价券须指定商品或品类")
        case Gift() if not is_tidy(worth.name, TITLE_LENGTH_MAX):
            yield Problem("gift_name", f"礼品名称须为 1–{TITLE_LENGTH_MAX} 个字，首尾没有空格")


def _percent(worth: PercentOff) -> Iterator[Problem]:
    if not 1 <= worth.percent <= PERCENT_MAX:
        yield Problem("percent", "折扣须为 0.1–9.9 折")
    if worth.ceiling_fen is not None:
        yield from _amount("ceiling_fen", "最高减免金额", worth.ceiling_fen)


def _amount(name: str, label: str, fen: int) -> Iterator[Problem]:
    if not 1 <= fen <= AMOUNT_FEN_MAX:
        yield Problem(name, f"{label}须为 {yuan(1)}–{yuan(AMOUNT_FEN_MAX)}")


def _scope(scope: Scope) -> Iterator[Problem]:
    for name, label in _TEXT_SETS.items():
        yield from codes(name, label, getattr(scope, name))
    yield from numbers("included_nodes", "适用的门店", scope.included_nodes, least=1, most=ID_MAX)
    yield from numbers("excluded_nodes", "不适用的门店", scope.excluded_nodes, least=1, most=ID_MAX)
    for wanted, unwanted, label in (
        ("included_nodes", "excluded_nodes", "门店"),
        ("skus", "excluded_skus", "商品"),
        ("categories", "excluded_categories", "品类"),
    ):
        if getattr(scope, wanted) & getattr(scope, unwanted):
            yield Problem(unwanted, f"同一{label}不能既适用又不适用")


def _validity(validity: Validity) -> Iterator[Problem]:
    match validity:
        case FixedDates(first_on=first, last_on=last):
            if not first.year >= YEAR_MIN or not last.year <= YEAR_MAX:
                yield Problem("last_on", f"日期须在 {YEAR_MIN}–{YEAR_MAX} 年之间")
            if last < first:
                yield Problem("last_on", "结束日期早于开始日期")
        case DaysFromIssue(days=days, delay_days=delay):
            if not 1 <= days <= DAYS_MAX:
                yield Problem("days", f"有效天数须为 1–{DAYS_MAX:,}")
            if not 0 <= delay <= DELAY_DAYS_MAX:
                yield Problem("delay_days", f"生效等待天数须为 0–{DELAY_DAYS_MAX}")


def _limits(terms: Terms) -> Iterator[Problem]:
    for name, label, most, high in (
        ("stock_per_day", "每日库存", terms.stock.per_day, LIMIT_MAX),
        ("stock_per_store", "每店库存", terms.stock.per_store, LIMIT_MAX),
        ("member_total", "每人限领", terms.member_limits.total, MEMBER_LIMIT_MAX),
        ("member_per_day", "每人每天限领", terms.member_limits.per_day, MEMBER_LIMIT_MAX),
    ):
        if most is not None and not 1 <= most <= high:
            yield Problem(name, f"{label}须为 1–{high:,}")
    per_day, total = terms.member_limits.per_day, terms.member_limits.total
    if per_day is not None and total is not None and per_day > total:
        yield Problem("member_per_day", "每人每天限领高于每人限领，不起作用")


def _eligibility(terms: Terms) -> Iterator[Problem]:
    yield from numbers("tier_levels", "会员等级", terms.eligibility.tier_levels, least=0, most=TIER_LEVEL_MAX)
    yield from numbers("tags", "会员标签", terms.eligibility.tags, least=1, most=ID_MAX)


def _claiming(claiming: Claiming) -> Iterator[Problem]:
    if not 0 <= claiming.points_price <= POINTS_MAX:
        yield Problem("points_price", f"兑换积分须为 0–{POINTS_MAX:,}")
    if claiming.opens_at is not None and claiming.closes_at is not None and claiming.opens_at >= claiming.closes_at:
        yield Problem("closes_at", "领取截止时间须晚于开始时间")


def _stacking(terms: Terms) -> Iterator[Problem]:
    stacking = terms.stacking
    if stacking.group is not None and not is_code(stacking.group, GROUP_LENGTH_MAX):
        yield Problem("group", f"叠加分组名称须为 1–{GROUP_LENGTH_MAX} 个字")
    if stacking.group is not None and stacking.is_exclusive:
        yield Problem("group", "不可叠加的券不需要叠加分组")


def _bonus(terms: Terms) -> Iterator[Problem]:
    if len(terms.bonus) > BONUS_STEPS_MAX:
        yield Problem("bonus", f"尽早使用奖励最多 {BONUS_STEPS_MAX} 档")
    days = _days_of(terms.validity)
    for step in terms.bonus:
        if not 1 <= step.within_days <= days:
            yield Problem("bonus", f"尽早使用奖励的天数须在有效期的 {days} 天之内")
        if not 1 <= step.points <= BONUS_POINTS_MAX:
            yield Problem("bonus", f"尽早使用奖励的积分须为 1–{BONUS_POINTS_MAX:,}")
    for sooner, later in pairwise(terms.bonus):
        if sooner.within_days >= later.within_days or sooner.points <= later.points:
            yield Problem("bonus", "尽早使用奖励须按天数从少到多填写，越早使用积分越多")


def _days_of(validity: Validity) -> int:
    return validity.days if isinstance(validity, DaysFromIssue) else (validity.last_on - validity.first_on).days + 1


def _aftermath(terms: Terms) -> Iterator[Problem]:
    if not 0 <= terms.refund_grace_days <= DELAY_DAYS_MAX:
        yield Problem("refund_grace_days", f"退回后的延长天数须为 0–{DELAY_DAYS_MAX}")
    if terms.reminder_days is not None and not 1 <= terms.reminder_days <= REMINDER_DAYS_MAX:
        yield Problem("reminder_days", f"到期提醒须提前 1–{REMINDER_DAYS_MAX} 天")
