"""Sentences: what a coupon is worth in a few characters, and its terms line by line, as its owner reads them."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.coupons.rules.basket import names_goods
from loyalty.coupons.rules.terms import (
    CashOff,
    Claiming,
    FixedDates,
    FixedPrice,
    Gift,
    PercentOff,
    RefundPolicy,
    Scope,
    Terms,
    Validity,
)
from loyalty.coupons.rules.words import FOR_CHOSEN, Names, off_of, window_words
from loyalty.kernel.clock import last_day_before
from loyalty.kernel.wording import named, plain_yuan, yuan

_NO_NAMES = Names()
_TODAY, _TOMORROW = 0, 1


def headline(terms: Terms) -> str:
    """Return what a coupon is worth as a card shows it: 满 100 减 20."""
    at_least = f"满 {plain_yuan(terms.threshold_fen)} " if terms.threshold_fen else ""
    match terms.worth:
        case CashOff(amount_fen=fen):
            return f"{at_least}减 {plain_yuan(fen)}" if at_least else f"立减 {plain_yuan(fen)} 元"
        case PercentOff(percent=percent, ceiling_fen=ceiling):
            return f"{at_least}{'打 ' if at_least else ''}{off_of(percent)} 折" + (
                f" 最高减 {plain_yuan(ceiling)} 元" if ceiling else ""
            )
        case FixedPrice(price_fen=fen):
            return f"{at_least}{plain_yuan(fen)} 元特价"
        case Gift(name=name):
            return f"{at_least}免费 {name}"


def told_on_arrival(terms: Terms, *, expires_at: datetime, zone: ZoneInfo) -> dict[str, str]:
    """Return what the message about a coupon that has come (券已到账) says of it."""
    valid_until = last_day_before(expires_at, zone).isoformat()
    return {"coupon": terms.title, "worth": headline(terms), "valid_until": valid_until}


def details(terms: Terms, names: Names = _NO_NAMES, *, is_for_staff: bool = False) -> tuple[str, ...]:
    """Return the terms as Chinese lines, nothing left out that decides whether and for what the coupon holds.

    Staff are told the tags by name and what members read instead. When it can be claimed is ``claim_window``'s to
    say; the operator's own words (使用须知) stand below these lines.
    """
    return tuple(
        line
        for lines in (
            _worth(terms),
            _where(terms.scope, names),
            _when(terms),
            _who(terms, names, is_for_staff),
            _use(terms),
        )
        for line in lines
    )


def claim_window(claiming: Claiming, zone: ZoneInfo) -> str:
    """Return from when until when members may claim; nothing when they always may."""
    opens = "" if claiming.opens_at is None else f"{_moment(claiming.opens_at, zone)} 起"
    closes = "" if claiming.closes_at is None else f"{_moment(claiming.closes_at, zone)} 截止"
    return "，".join(part for part in (opens, closes) if part)


def _worth(terms: Terms) -> Iterator[str]:
    at_least = f"满 {yuan(terms.threshold_fen)} " if terms.threshold_fen else "无门槛，"
    match terms.worth:
        case CashOff(amount_fen=fen):
            yield f"{at_least}减 {yuan(fen)}"
        case PercentOff(percent=percent, ceiling_fen=ceiling):
            yield f"{at_least}打 {off_of(percent)} 折" + (f"，最高减 {yuan(ceiling)}" if ceiling else "")
        case FixedPrice(price_fen=fen):
            yield f"{at_least}适用商品中最贵的一件只需 {yuan(fen)}"
        case Gift(name=name):
            piece = "：适用商品中最贵的一件免费" if names_goods(terms.scope) else "，由店员交付"
            yield f"{at_least}免费获得 {name}{piece}"
    if terms.threshold_fen:
        yield "门槛按适用商品优惠前的金额计算"
    yield from _goods(terms.scope)


def _goods(scope: Scope) -> Iterator[str]:
    wanted = [*_listed("商品", scope.skus), *_listed("品类", scope.categories)]
    unwanted = [*_listed("商品", scope.excluded_skus), *_listed("品类", scope.excluded_categories)]
    yield f"适用{'，或'.join(wanted)}" if wanted else "全部商品可用"
    if unwanted:
        yield f"{'，'.join(unwanted)} 除外"


def _listed(label: str, values: frozenset[str]) -> Iterator[str]:
    if values:
        yield f"{label} {'、'.join(sorted(values))}"


def _where(scope: Scope, names: Names) -> Iterator[str]:
    nodes = named(scope.included_nodes, names.nodes, "门店")
    yield f"限 {nodes} 使用" if nodes else "全部门店可用"
    if scope.excluded_nodes:
        yield f"{named(scope.excluded_nodes, names.nodes, '门店')} 除外"
    if scope.channels:
        yield f"限 {'、'.join(sorted(scope.channels))} 渠道使用"


def _when(terms: Terms) -> Iterator[str]:
    yield _validity(terms.validity)
    words = window_words(terms.windows)
    if words:
        yield f"限 {words} 使用"


def _validity(validity: Validity) -> str:
    if isinstance(validity, FixedDates):
        return f"{validity.first_on.isoformat()} 至 {validity.last_on.isoformat()} 有效"
    begin = {_TODAY: "领取当日起", _TOMORROW: "领取次日起"}.get(
        validity.delay_days, f"领取后第 {validity.delay_days} 天起"
    )
    return f"{begin} {validity.days} 天内有效"


def _who(terms: Terms, names: Names, is_for_staff: bool) -> Iterator[str]:
    wanted, limits, stock = terms.eligibility, terms.member_limits, terms.stock
    if wanted.tier_levels:
        yield f"限 {named(wanted.tier_levels, names.tiers, '等级')} 领取"
    if wanted.tags:
        tagged = f"限有 {named(wanted.tags, names.tags, '标签')} 标签之一的会员领取"
        yield f"{tagged}（会员看到：{FOR_CHOSEN}）" if is_for_staff else FOR_CHOSEN
    if limits.total is not None:
        yield f"每人限领 {limits.total:,} 张"
    if limits.per_day is not None:
        yield f"每人每天限领 {limits.per_day:,} 张"
    if stock.per_day is not None:
        yield f"每天限量 {stock.per_day:,} 张"
    if stock.per_store is not None:
        yield f"每店限量 {stock.per_store:,} 张"
    if terms.claiming.points_price:
        yield f"{terms.claiming.points_price:,} 积分兑换"


def _use(terms: Terms) -> Iterator[str]:
    stacking = terms.stacking
    if stacking.is_exclusive:
        yield "不与其他优惠券同时使用"
    elif stacking.group is None:
        yield "可与其他可叠加的优惠券同时使用"
    else:
        yield f"可与其他可叠加的优惠券同时使用，「{stacking.group}」类每单限用一张"
    for step in terms.bonus:
        yield f"可用后 {step.within_days} 天内使用额外赠 {step.points:,} 积分"
    yield _refund(terms)


def _refund(terms: Terms) -> str:
    if terms.refund is RefundPolicy.FORFEIT:
        return "整单退款后不退回本券"
    if not terms.refund_grace_days:
        return "整单退款后退回本券，已过有效期的不退"
    return f"整单退款后退回本券，已过有效期的自退回当日起 {terms.refund_grace_days} 天内可用"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
