"""How conditions read in Chinese, for lists, reviews and the builder beside its rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loyalty.kernel.wording import named, yuan
from loyalty.segments.rules import fact_types as types
from loyalty.segments.rules.conditions import All, AnyOf, Condition, Not
from loyalty.segments.rules.facts import FACTS

EVERYBODY = "全部会员"


@dataclass(frozen=True, slots=True)
class Names:
    """What ids in a condition are called; one without a name shows its number."""

    stores: Mapping[int, str] = field(default_factory=dict)
    tags: Mapping[int, str] = field(default_factory=dict)
    templates: Mapping[int, str] = field(default_factory=dict)
    levels: Mapping[int, str] = field(default_factory=dict)
    campaigns: Mapping[int, str] = field(default_factory=dict)


def sentence(condition: Condition, names: Names) -> str:
    """Return a condition in words."""
    match condition:
        case All(()):
            return EVERYBODY
        case All(parts):
            return "，且".join(_part(part, names) for part in parts)
        case AnyOf(parts):
            return "，或".join(_part(part, names) for part in parts)
        case Not(part):
            return f"不满足（{sentence(part, names)}）"
    return _SENTENCES[type(condition)](condition, names)


def _part(part: Condition, names: Names) -> str:
    words = sentence(part, names)
    is_several = isinstance(part, All | AnyOf) and len(part.parts) > 1
    return f"（{words}）" if is_several else words


def _lately(days: int | None) -> str:
    return "" if days is None else "今天" if days == 1 else f"最近 {days} 天"


def _range(bounds: Mapping[str, str | None], unit: str = "") -> str:
    return "且".join(f"{word} {bound}{unit}" for word, bound in bounds.items() if bound is not None)


def _counted(least: int | None, most: int | None, unit: str = "") -> str:
    bounds = {"不少于": least, "不超过": most}
    return _range({word: None if bound is None else f"{bound:,}" for word, bound in bounds.items()}, unit)


def _money(least: int | None, most: int | None) -> str:
    bounds = {"不少于": least, "不超过": most}
    return _range({word: None if bound is None else yuan(bound) for word, bound in bounds.items()})


def _ago(fact: Any, what: str) -> str:
    bounds = (("至少", fact.days_least), ("至多", fact.days_most))
    return f"{what}" + "且".join(f"{word} {days} 天" for word, days in bounds if days is not None)


def _enrolled(fact: types.Enrolled, _names: Names) -> str:
    parts = []
    if fact.first_on is not None:
        parts.append(f"{fact.first_on} 起入会")
    if fact.last_on is not None:
        parts.append(f"{fact.last_on} 及以前入会")
    if fact.days_least is not None or fact.days_most is not None:
        parts.append(_ago(fact, "入会距今"))
    return "，".join(parts)


def _goods(fact: types.BoughtGoods, _names: Names) -> str:
    wanted = [f"品类「{one}」" for one in sorted(fact.categories)] + [f"商品「{one}」" for one in sorted(fact.skus)]
    worth = "" if fact.fen_least is None else f"，金额不少于 {yuan(fact.fen_least)}"
    return f"{_lately(fact.within_days)}购买过{'或'.join(wanted)}不少于 {fact.times_least} 次{worth}"


def _coupons(ids: Iterable[int], names: Names) -> str:
    return f"「{named(ids, names.templates, '券模板')}」" if ids else "任意优惠券"


def _tags(fact: types.Tags, names: Names) -> str:
    how = {types.Match.ANY: "有任一标签", types.Match.ALL: "同时有标签", types.Match.NONE: "没有标签"}[fact.match]
    return f"{how}：{named(fact.tag_ids, names.tags, '标签')}"


def _chosen(fact_name: str, field_name: str, values: Iterable[str]) -> str:
    choices = next(one.choices for one in FACTS[fact_name].fields if one.name == field_name) or {}
    return "、".join(word for value, word in choices.items() if value in set(values))


def _months(fact: types.BirthdayMonth, _names: Names) -> str:
    return "、".join(f"{month} 月" for month in sorted(fact.months)) + "生日"


def _campaign(fact: types.Campaign, names: Names) -> str:
    title = named([fact.campaign_id], names.campaigns, "活动")
    return f"{'获得过' if fact.has_got else '没有获得过'}活动「{title}」的奖励"


def _following(fact: types.Following, _names: Names) -> str:
    return f"关注了公众号 {'、'.join(sorted(fact.appids))}" if fact.appids else "关注了公众号"


_SENTENCES: Mapping[type[Any], Callable[[Any, Names], str]] = {
    types.Enrolled: _enrolled,
    types.EnrolledStore: lambda fact, names: f"入会门店：{named(fact.store_ids, names.stores, '门店')}",
    types.Birthday: lambda fact, _: "今天生日" if fact.within_days == 0 else f"未来 {fact.within_days} 天内生日",
    types.BirthdayMonth: _months,
    types.HasBirthday: lambda fact, _: "填写了生日" if fact.is_given else "没有填写生日",
    types.Activity: lambda fact, _: _ago(fact, "上次活跃距今"),
    types.Tier: lambda fact, names: f"等级：{named(fact.levels, names.levels, '等级')}",
    types.Growth: lambda fact, _: f"成长值{_counted(fact.least, fact.most)}",
    types.Balance: lambda fact, _: f"可用积分{_counted(fact.least, fact.most)}",
    types.ExpiringPoints: lambda fact, _: f"未来 {fact.within_days} 天内到期积分不少于 {fact.least:,}",
    types.CheckInStreak: lambda fact, _: f"连续签到{_counted(fact.least, fact.most, ' 天')}",
    types.Recency: lambda fact, _: _ago(fact, "上次消费距今"),
    types.NeverBought: lambda fact, _: "从未消费" if fact.is_never else "有过消费",
    types.Frequency: lambda fact, _: f"{_lately(fact.within_days)}消费次数{_counted(fact.least, fact.most, ' 次')}",
    types.Money: lambda fact, _: f"{_lately(fact.within_days)}消费金额{_money(fact.least_fen, fact.most_fen)}",
    types.BoughtAt: lambda fact, names: (
        f"{_lately(fact.within_days)}在「{named(fact.store_ids, names.stores, '门店')}」消费过"
    ),
    types.BoughtThrough: lambda fact, _: (
        f"{_lately(fact.within_days)}通过渠道「{'、'.join(sorted(fact.channels))}」消费过"
    ),
    types.BoughtGoods: _goods,
    types.CouponHeld: lambda fact, names: f"持有可用的{_coupons(fact.template_ids, names)}",
    types.CouponUsed: lambda fact, names: f"{_lately(fact.within_days)}用过{_coupons(fact.template_ids, names)}",
    types.BoundThrough: lambda fact, _: f"绑定了{_chosen('bound_through', 'kinds', fact.kinds)}",
    types.Following: _following,
    types.Reachable: lambda fact, _: f"当前可通过{_chosen('reachable', 'ways', fact.ways)}触达",
    types.Tags: _tags,
    types.Campaign: _campaign,
}
