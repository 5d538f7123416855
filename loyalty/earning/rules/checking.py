"""Checking: which definitions may be saved. Everything wrong is named at once, in Chinese.

What passes is then evaluated on a sample that meets all its conditions: a rule that could never pay is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise

from loyalty.channels.rules.inducement import check_not_induced
from loyalty.earning.rules.definition import Budgets, Conditions, Definition, Fixed, Multiple, PerAmount, Reward
from loyalty.earning.rules.errors import InvalidEarningRule, Problem
from loyalty.earning.rules.facts import EarningEvent
from loyalty.earning.rules.samples import first_day_of, pays_on_sample
from loyalty.earning.rules.words import LIMIT_NAMES, times
from loyalty.kernel.checking import ID_MAX, codes, hours, is_code, numbers
from loyalty.kernel.wording import yuan
from loyalty.points.rules.expiry import check_policy

VALUE_MAX = 1_000_000
EACH_FEN_MAX = 100_000_000
BASIS_POINTS_MIN, BASIS_POINTS_MAX = 10_100, 1_000_000
AMOUNT_FEN_MAX = 10_000_000_000
QUANTITY_MAX = 1_000_000
LIMIT_MAX = 1_000_000_000_000
PENDING_DAYS_MAX = 365
PRIORITY_MAX = 100
GROUP_LENGTH_MAX = 20
TIER_LEVEL_MAX = 20
CUSTOM_KIND = re.compile(r"[a-z][a-z0-9_.]{0,39}")
"""Kinds of events that other systems report, and rules name."""

_TEXT_SETS = {
    "skus": "商品",
    "categories": "品类",
    "excluded_skus": "不计的商品",
    "excluded_categories": "不计的品类",
    "channels": "渠道",
}
_NUMBER_SETS = {
    "included_nodes": ("参加的门店", 1, ID_MAX),
    "excluded_nodes": ("不参加的门店", 1, ID_MAX),
    "tier_levels": ("会员等级", 0, TIER_LEVEL_MAX),
    "tags": ("标签", 1, ID_MAX),
    "weekdays": ("星期", 1, 7),
    "month_days": ("会员日", 1, 31),
}
_OF_PURCHASES = {
    "is_first_purchase": "首单",
    "minimum_amount_fen": "最低金额",
    "minimum_quantity": "最低件数",
    "channels": "渠道",
    **{name: _TEXT_SETS[name] for name in ("skus", "categories", "excluded_skus", "excluded_categories")},
}


def check_definition(definition: Definition) -> None:
    """Refuse a definition that could not be paid as it reads.

    Raises:
        ValueForFollowingOrSharing: it would pay for what WeChat forbids to pay for.
        InvalidEarningRule: with everything that is wrong.
        InvalidExpiryPolicy: the expiry policy cannot be reckoned.
    """
    check_not_induced([definition.event, definition.conditions.custom_kind or ""])
    if definition.expiry is not None:
        check_policy(definition.expiry)
    problems = [
        *_rewards(definition),
        *_sets(definition.conditions),
        *_amounts(definition),
        *_custom_kind(definition),
        *_stores(definition),
        *_times(definition.conditions),
        *_stacking(definition),
        *_limits(definition),
    ]
    problems = problems or list(_never_paying(definition))
    if problems:
        raise InvalidEarningRule(problems)


def _never_paying(definition: Definition) -> Iterator[Problem]:
    if first_day_of(definition.conditions) is None:
        yield Problem("month_days", "所选的日期、星期和会员日没有交集，规则永远不会生效")
    elif not pays_on_sample(definition):
        yield Problem("points", "即使满足全部条件，这条规则也发不出任何奖励")


def _rewards(definition: Definition) -> Iterator[Problem]:
    rewards = {"points": definition.points, "growth": definition.growth}
    if not any(rewards.values()) and definition.coupon_template_id is None:
        yield Problem("points", "请至少设置一项奖励：积分、成长值或优惠券")
    if definition.coupon_template_id is not None and not 1 <= definition.coupon_template_id <= ID_MAX:
        yield Problem("coupon_template_id", "优惠券不正确")
    for name, reward in rewards.items():
        yield from _reward(name, reward)
        if definition.event is not EarningEvent.PURCHASE and isinstance(reward, PerAmount | Multiple):
            yield Problem(name, "只有消费规则可以按金额或按倍数奖励，其他事件只能送固定数量")
    kinds = {type(reward) for reward in rewards.values()}
    if {PerAmount, Multiple} <= kinds:
        yield Problem("growth", "同一条规则不能既按金额又按倍数奖励，请分成两条")


def _reward(name: str, reward: Reward | None) -> Iterator[Problem]:
    if isinstance(reward, Fixed | PerAmount) and not 1 <= reward.value <= VALUE_MAX:
        yield Problem(name, f"奖励数量须为 1–{VALUE_MAX:,}")
    if isinstance(reward, PerAmount) and not 1 <= reward.each_fen <= EACH_FEN_MAX:
        yield Problem(name, f"每满金额须为 {yuan(1)}–{yuan(EACH_FEN_MAX)}")
    if isinstance(reward, Multiple) and not BASIS_POINTS_MIN <= reward.basis_points <= BASIS_POINTS_MAX:
        yield Problem(name, f"倍数须为 {times(BASIS_POINTS_MIN)}–{times(BASIS_POINTS_MAX)}")


def _sets(conditions: Conditions) -> Iterator[Problem]:
    for name, label in _TEXT_SETS.items():
        yield from codes(name, label, getattr(conditions, name))
    for name, (label, least, most) in _NUMBER_SETS.items():
        yield from numbers(name, label, getattr(conditions, name), least=least, most=most)
    for wanted, unwanted, label in (
        ("included_nodes", "excluded_nodes", "门店"),
        ("skus", "excluded_skus", "商品"),
        ("categories", "excluded_categories", "品类"),
    ):
        if getattr(conditions, wanted) & getattr(conditions, unwanted):
            yield Problem(unwanted, f"同一{label}不能既参加又不参加")


def _amounts(definition: Definition) -> Iterator[Problem]:
    conditions = definition.conditions
    if not 0 <= conditions.minimum_amount_fen <= AMOUNT_FEN_MAX:
        yield Problem("minimum_amount_fen", f"最低金额须为 {yuan(0)}–{yuan(AMOUNT_FEN_MAX)}")
    if not 0 <= conditions.minimum_quantity <= QUANTITY_MAX:
        yield Problem("minimum_quantity", f"最低件数须为 0–{QUANTITY_MAX:,}")
    if definition.event is not EarningEvent.PURCHASE:
        for name, label in _OF_PURCHASES.items():
            if getattr(conditions, name):
                yield Problem(name, f"只有消费规则可以设置{label}条件")


def _custom_kind(definition: Definition) -> Iterator[Problem]:
    kind = definition.conditions.custom_kind
    is_custom = definition.event is EarningEvent.CUSTOM
    if is_custom != bool(kind):
        yield Problem("custom_kind", "自定义事件须填写事件类型" if is_custom else "只有自定义事件可以填写事件类型")
    elif kind in list(EarningEvent):
        yield Problem("custom_kind", "这类事件有自己的规则模板，不能作为自定义事件")
    elif kind and not CUSTOM_KIND.fullmatch(kind):
        yield Problem("custom_kind", "事件类型须以小写字母开头，40 个字符以内，只用小写字母、数字、_ 和 .")


def _stores(definition: Definition) -> Iterator[Problem]:
    """Refuse stores for what happens in none: such a condition would never be met, such a budget never touched."""
    if definition.event not in _IN_NO_STORE:
        return
    for part in (definition.conditions, definition.budgets):
        for name in ("included_nodes", "excluded_nodes", "store_budget", "store_month_budget"):
            if getattr(part, name, None):
                yield Problem(name, "生日和完善资料不发生在门店，不能设置门店条件或门店预算")


_IN_NO_STORE = frozenset({EarningEvent.BIRTHDAY, EarningEvent.PROFILE_COMPLETED})


def _times(conditions: Conditions) -> Iterator[Problem]:
    yield from hours("hours", conditions.hours)
    if conditions.first_on and conditions.last_on and conditions.first_on > conditions.last_on:
        yield Problem("last_on", "结束日期早于开始日期")


def _stacking(definition: Definition) -> Iterator[Problem]:
    stacking = definition.stacking
    if stacking.group is not None and not is_code(stacking.group, GROUP_LENGTH_MAX):
        yield Problem("group", f"互斥组名称须为 1–{GROUP_LENGTH_MAX} 个字")
    if not 0 <= stacking.priority <= PRIORITY_MAX:
        yield Problem("priority", f"优先级须为 0–{PRIORITY_MAX}")
    if stacking.priority and stacking.group is None:
        yield Problem("priority", "优先级只在互斥组内起作用，请填写互斥组")


def _limits(definition: Definition) -> Iterator[Problem]:
    caps, budgets = definition.caps, definition.budgets
    limits = {
        **{name: getattr(caps, name) for name in ("member_day", "member_week", "member_month", "member_total")},
        **{field.name: getattr(budgets, field.name) for field in fields(Budgets)},
    }
    set_ones = {name: most for name, most in limits.items() if most is not None}
    if set_ones and definition.points is None:
        yield Problem(next(iter(set_ones)), "上限和预算只对积分有效，这条规则不发积分")
    for name, most in set_ones.items():
        if not 1 <= most <= LIMIT_MAX:
            yield Problem(name, f"{LIMIT_NAMES[name]}须为 1–{LIMIT_MAX:,}")
        elif isinstance(definition.points, Fixed) and most < definition.points.value:
            yield Problem(name, f"{LIMIT_NAMES[name]}低于单次奖励，永远发不全")
    for smaller, larger in (*pairwise(name for name in set_ones if name.startswith("member")), *_BUDGETS):
        if smaller in set_ones and larger in set_ones and set_ones[smaller] > set_ones[larger]:
            yield Problem(smaller, f"{LIMIT_NAMES[smaller]}高于{LIMIT_NAMES[larger]}，不起作用")
    if not 0 <= definition.pending_days <= PENDING_DAYS_MAX:
        yield Problem("pending_days", f"待入账天数须为 0–{PENDING_DAYS_MAX}")


_BUDGETS = (
    ("store_budget", "rule_budget"),
    ("store_month_budget", "rule_month_budget"),
    ("store_month_budget", "store_budget"),
    ("rule_month_budget", "rule_budget"),
)
"""Pairs of which the first would not bind were it above the second."""
