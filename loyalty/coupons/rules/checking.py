"""Checking: which terms may be saved. Everything wrong is named at once, in Chinese.

What passes is then priced for a sample basket that meets all its terms: a coupon that could never pay is refused.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

from loyalty.channels.rules.inducement import check_not_induced, check_not_luring
from loyalty.coupons.rules.basket import names_goods
from loyalty.coupons.rules.errors import InvalidCouponTerms, Problem
from loyalty.coupons.rules.samples import has_day_of_use, pays_on_sample
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
    Windows,
)
from loyalty.kernel.clock import end_of
from loyalty.kernel.texts import is_storable
from loyalty.kernel.wording import yuan
from loyalty.orders.rules import AMOUNT_FEN_MAX
from loyalty.points.rules import POINTS_MAX

TITLE_LENGTH_MAX = 20
TEXT_LENGTH_MAX = 64
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
SET_SIZE_MAX = 500
HOURS_MAX = 10
TIER_LEVEL_MAX = 20
ID_MAX = 2**63 - 1
MINUTES_OF_DAY = 24 * 60
_SEPARATORS = frozenset(",，、;；")
"""The form lists values between them."""
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


def check_terms(terms: Terms) -> None:
    """Refuse terms by which a coupon could not be issued or redeemed as they read.

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
        *_windows(terms.windows),
        *_limits(terms),
        *_eligibility(terms),
        *_claiming(terms.claiming),
        *_stacking(terms),
        *_bonus(terms),
        *_aftermath(terms),
    ]
    problems = problems or [*_never_used(terms), *_claimed_too_late(terms)]
    if problems:
        raise InvalidCouponTerms(problems)


def _never_used(terms: Terms) -> Iterator[Problem]:
    if not has_day_of_use(terms):
        yield Problem("weekdays", "有效期内没有可用的星期，领到的券可能一次也用不上")
    elif not pays_on_sample(terms):
        yield Problem("worth", "即使满足全部条件，这张券也没有优惠")


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
    if not _is_tidy(terms.title, TITLE_LENGTH_MAX):
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
        case Gift() if not _is_tidy(worth.name, TITLE_LENGTH_MAX):
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
        values = getattr(scope, name)
        if len(values) > SET_SIZE_MAX:
            yield Problem(name, f"{label}最多 {SET_SIZE_MAX} 个")
        if not all(_is_code(value, TEXT_LENGTH_MAX) for value in values):
            yield Problem(name, f"{label}须为 1–{TEXT_LENGTH_MAX} 个字符，首尾没有空格，不含逗号、顿号和分号")
    yield from _numbers("included_nodes", "适用的门店", scope.included_nodes, 1, ID_MAX)
    yield from _numbers("excluded_nodes", "不适用的门店", scope.excluded_nodes, 1, ID_MAX)
    for wanted, unwanted, label in (
        ("included_nodes", "excluded_nodes", "门店"),
        ("skus", "excluded_skus", "商品"),
        ("categories", "excluded_categories", "品类"),
    ):
        if getattr(scope, wanted) & getattr(scope, unwanted):
            yield Problem(unwanted, f"同一{label}不能既适用又不适用")


def _numbers(name: str, label: str, values: frozenset[int], low: int, high: int) -> Iterator[Problem]:
    if len(values) > SET_SIZE_MAX or not all(low <= value <= high for value in values):
        yield Problem(name, f"{label}不正确")


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


def _windows(windows: Windows) -> Iterator[Problem]:
    yield from _numbers("weekdays", "星期", windows.weekdays, 1, 7)
    if len(windows.hours) > HOURS_MAX:
        yield Problem("hours", f"时段最多 {HOURS_MAX} 个")
    for span in windows.hours:
        is_within = 0 <= span.from_minute < MINUTES_OF_DAY and 0 <= span.until_minute <= MINUTES_OF_DAY
        if not is_within or span.from_minute == span.until_minute:
            yield Problem("hours", "时段须在 00:00–24:00 之间，开始与结束不能相同")


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
    yield from _numbers("tier_levels", "会员等级", terms.eligibility.tier_levels, 0, TIER_LEVEL_MAX)
    yield from _numbers("tags", "会员标签", terms.eligibility.tags, 1, ID_MAX)


def _claiming(claiming: Claiming) -> Iterator[Problem]:
    if not 0 <= claiming.points_price <= POINTS_MAX:
        yield Problem("points_price", f"兑换积分须为 0–{POINTS_MAX:,}")
    if claiming.opens_at is not None and claiming.closes_at is not None and claiming.opens_at >= claiming.closes_at:
        yield Problem("closes_at", "领取截止时间须晚于开始时间")


def _stacking(terms: Terms) -> Iterator[Problem]:
    stacking = terms.stacking
    if stacking.group is not None and not _is_code(stacking.group, GROUP_LENGTH_MAX):
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


def _is_code(value: str, length_max: int) -> bool:
    return _is_tidy(value, length_max) and not _SEPARATORS & set(value)


def _is_tidy(value: str, length_max: int) -> bool:
    return value == value.strip() and value.isprintable() and is_storable(value) and 0 < len(value) <= length_max
