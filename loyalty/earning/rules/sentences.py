"""Sentences: a whole definition as one Chinese sentence, as the list shows it and members may read it."""

from collections.abc import Iterator

from loyalty.earning.rules.definition import BirthdayMatch, Conditions, Definition, Fixed, PerAmount, Reward
from loyalty.earning.rules.facts import EarningEvent
from loyalty.earning.rules.words import EVENT_NAMES, LIMIT_NAMES, ROUNDING_NAMES, Names, times
from loyalty.kernel.wording import WEEKDAY_NAMES, span, yuan
from loyalty.points.rules.expiry import sentence as expiry_words

_NO_NAMES = Names()


def sentence(definition: Definition, *, names: Names = _NO_NAMES) -> str:
    """Return what a definition says in one Chinese sentence; nothing of it is left out."""
    conditions = "，".join(_conditions(definition, names))
    rewards = "，".join(_rewards(definition, names))
    terms = "".join(f"；{term}" for term in _terms(definition))
    return f"{conditions}，{rewards}{terms}。"


def _conditions(definition: Definition, names: Names) -> Iterator[str]:
    wanted = definition.conditions
    yield from _place_and_time(wanted, names)
    yield from _who(wanted, names)
    yield f"{EVENT_NAMES[definition.event]}（{wanted.custom_kind}）" if wanted.custom_kind else _event(definition)
    yield from _what(wanted)


def _event(definition: Definition) -> str:
    if definition.event is EarningEvent.PURCHASE and definition.conditions.is_first_purchase:
        return "首次消费"
    return EVENT_NAMES[definition.event]


def _place_and_time(wanted: Conditions, names: Names) -> Iterator[str]:
    if wanted.included_nodes:
        yield f"在{names.of_nodes(wanted.included_nodes)}"
    if wanted.excluded_nodes:
        yield f"{names.of_nodes(wanted.excluded_nodes)}除外"
    if wanted.channels:
        yield f"限{_listed(wanted.channels)}渠道"
    if wanted.first_on or wanted.last_on:
        yield f"{wanted.first_on or ''}至{wanted.last_on or '长期'}".removeprefix("至")
    if wanted.month_days:
        yield f"每月 {'、'.join(map(str, sorted(wanted.month_days)))} 日（会员日）"
    if wanted.weekdays:
        yield f"每{'、'.join(WEEKDAY_NAMES[day] for day in sorted(wanted.weekdays))}"
    if wanted.hours:
        yield "、".join(span(one) for one in wanted.hours)


def _who(wanted: Conditions, names: Names) -> Iterator[str]:
    if wanted.birthday is not None:
        yield "生日当天" if wanted.birthday is BirthdayMatch.DAY else "生日当月"
    if wanted.tier_levels:
        yield f"限{names.of_tiers(wanted.tier_levels)}"
    if wanted.tags:
        yield f"限有{names.of_tags(wanted.tags)}标签的会员"


def _what(wanted: Conditions) -> Iterator[str]:
    if wanted.skus:
        yield f"购买商品 {_listed(wanted.skus)}" + (f"或品类 {_listed(wanted.categories)}" if wanted.categories else "")
    elif wanted.categories:
        yield f"购买品类 {_listed(wanted.categories)}"
    if wanted.excluded_skus:
        yield f"商品 {_listed(wanted.excluded_skus)} 不计"
    if wanted.excluded_categories:
        yield f"品类 {_listed(wanted.excluded_categories)} 不计"
    if wanted.minimum_amount_fen:
        yield f"满 {yuan(wanted.minimum_amount_fen)}"
    if wanted.minimum_quantity:
        yield f"满 {wanted.minimum_quantity} 件"


def _rewards(definition: Definition, names: Names) -> Iterator[str]:
    if definition.points is not None:
        yield _reward(definition.points, "积分", "基础积分")
    if definition.growth is not None:
        yield _reward(definition.growth, "成长值", "基础成长值")
    if definition.coupon_template_id is not None:
        yield f"送 {names.of_coupon(definition.coupon_template_id)}"


def _reward(reward: Reward, unit: str, base: str) -> str:
    if isinstance(reward, Fixed):
        return f"送 {reward.value:,} {unit}"
    if isinstance(reward, PerAmount):
        return f"每 {yuan(reward.each_fen)} 得 {reward.value:,} {unit}（{ROUNDING_NAMES[reward.rounding]}）"
    return f"{base} {times(reward.basis_points)} 倍（{ROUNDING_NAMES[reward.rounding]}）"


def _terms(definition: Definition) -> Iterator[str]:
    if definition.stacking.group is not None:
        priority = f"，优先级 {definition.stacking.priority}" if definition.stacking.priority else ""
        yield f"与「{definition.stacking.group}」组内其他规则不同享，取优先级最高、发放最多的一条{priority}"
    for name in LIMIT_NAMES:
        most = getattr(definition.caps, name, None) or getattr(definition.budgets, name, None)
        if most is not None:
            yield f"{LIMIT_NAMES[name]} {most:,} 积分"
    if definition.pending_days:
        yield f"积分 {definition.pending_days} 天后可用"
    if definition.expiry is not None:
        yield expiry_words(definition.expiry)


def _listed(values: frozenset[str]) -> str:
    return "、".join(sorted(values))
