"""A coupon template as a form and back: what was typed is kept as it is until it stands for terms."""

from zoneinfo import ZoneInfo

from loyalty.coupons.rules.errors import InvalidCouponTerms
from loyalty.coupons.rules.terms import (
    CashOff,
    Claiming,
    Eligibility,
    FixedDates,
    FixedPrice,
    Gift,
    MemberLimits,
    PercentOff,
    RefundPolicy,
    Scope,
    Stacking,
    Stock,
    Terms,
    Windows,
)
from loyalty.coupons.rules.words import off_of
from loyalty.kernel.wording import clock
from portal.console.coupon_template_fields import Reader
from portal.console.figures import shown_money
from portal.console.form_fields import Form, shown_moment

_TEXT_SETS = ("skus", "categories", "excluded_skus", "excluded_categories", "channels")
_NODE_SETS = ("included_nodes", "excluded_nodes")


def form_of(terms: Terms, zone: ZoneInfo) -> dict[str, list[str]]:
    """Return terms as the form shows them."""
    scope, claiming = terms.scope, terms.claiming
    form = {name: ["、".join(sorted(getattr(scope, name)))] for name in _TEXT_SETS}
    form |= {name: _shown_all(getattr(scope, name)) for name in _NODE_SETS}
    for row, step in enumerate(terms.bonus, start=1):
        form |= {f"bonus_days_{row}": [str(step.within_days)], f"bonus_points_{row}": [str(step.points)]}
    return form | {
        "title": [terms.title],
        **_shown_worth(terms),
        **_shown_validity(terms),
        "threshold_fen": [shown_money(terms.threshold_fen) if terms.threshold_fen else ""],
        "weekdays": _shown_all(terms.windows.weekdays),
        "hours": ["、".join(f"{clock(span.from_minute)}-{clock(span.until_minute)}" for span in terms.windows.hours)],
        "stock_per_day": [_shown(terms.stock.per_day)],
        "stock_per_store": [_shown(terms.stock.per_store)],
        "member_total": [_shown(terms.member_limits.total)],
        "member_per_day": [_shown(terms.member_limits.per_day)],
        "tier_levels": _shown_all(terms.eligibility.tier_levels),
        "tags": _shown_all(terms.eligibility.tags),
        "is_in_centre": ["yes"] if claiming.is_in_centre else [],
        "opens_at": [shown_moment(claiming.opens_at, zone)],
        "closes_at": [shown_moment(claiming.closes_at, zone)],
        "points_price": [_shown(claiming.points_price or None)],
        "stacking": ["exclusive" if terms.stacking.is_exclusive else "together"],
        "group": [terms.stacking.group or ""],
        "refund": [terms.refund.value],
        "refund_grace_days": [str(terms.refund_grace_days)],
        "reminder_days": [_shown(terms.reminder_days)],
        "description": [terms.description],
        "picture": [terms.picture or ""],
    }


def terms_of(form: Form, zone: ZoneInfo) -> Terms:
    """Return the terms that a form stands for; whether they make sense is not seen here.

    Raises:
        InvalidCouponTerms: with every field that cannot be read, and why.
    """
    reader = Reader(form)
    terms = Terms(
        title=reader.text("title"),
        worth=reader.worth(),
        validity=reader.validity(),
        threshold_fen=reader.money("threshold_fen") or 0,
        scope=_scope(reader),
        windows=Windows(weekdays=reader.numbers("weekdays"), hours=tuple(reader.spans("hours"))),
        stock=Stock(per_day=reader.whole("stock_per_day"), per_store=reader.whole("stock_per_store")),
        member_limits=MemberLimits(total=reader.whole("member_total"), per_day=reader.whole("member_per_day")),
        eligibility=Eligibility(tier_levels=reader.numbers("tier_levels"), tags=reader.numbers("tags")),
        claiming=_claiming(reader, zone),
        stacking=_stacking(reader),
        bonus=reader.bonus(),
        refund=reader.read("refund", RefundPolicy, "请从列表中选择") or RefundPolicy.RETURN,
        refund_grace_days=reader.whole("refund_grace_days") or 0,
        reminder_days=reader.whole("reminder_days"),
        description=reader.text("description").replace("\r\n", "\n"),
        picture=reader.text("picture") or None,
    )
    if reader.problems:
        raise InvalidCouponTerms(reader.problems)
    return terms


def stock_of(form: Form) -> int | None:
    """Return the stock in all, or None for no limit.

    Raises:
        InvalidCouponTerms: it cannot be read.
    """
    reader = Reader(form)
    stock = reader.whole("stock")
    if reader.problems:
        raise InvalidCouponTerms(reader.problems)
    return stock


def _scope(reader: Reader) -> Scope:
    texts = {name: frozenset(reader.listed(name, str, "")) for name in _TEXT_SETS}
    return Scope(
        included_nodes=reader.numbers("included_nodes"), excluded_nodes=reader.numbers("excluded_nodes"), **texts
    )


def _claiming(reader: Reader, zone: ZoneInfo) -> Claiming:
    return Claiming(
        is_in_centre=reader.text("is_in_centre") == "yes",
        opens_at=reader.moment("opens_at", zone),
        closes_at=reader.moment("closes_at", zone),
        points_price=reader.whole("points_price") or 0,
    )


def _stacking(reader: Reader) -> Stacking:
    kind = reader.text("stacking")
    if kind not in ("exclusive", "together"):
        reader.refuse("stacking", "请从列表中选择")
    return Stacking(is_exclusive=kind != "together", group=reader.text("group") or None)


def _shown_worth(terms: Terms) -> dict[str, list[str]]:
    match terms.worth:
        case CashOff(amount_fen=fen):
            return {"worth": ["cash_off"], "amount_fen": [shown_money(fen)]}
        case PercentOff(percent=percent, ceiling_fen=ceiling):
            shown = {"worth": ["percent_off"], "percent": [off_of(percent)]}
            return shown | ({} if ceiling is None else {"ceiling_fen": [shown_money(ceiling)]})
        case FixedPrice(price_fen=fen):
            return {"worth": ["fixed_price"], "price_fen": [shown_money(fen)]}
        case Gift(name=name):
            return {"worth": ["gift"], "gift_name": [name]}


def _shown_validity(terms: Terms) -> dict[str, list[str]]:
    validity = terms.validity
    if isinstance(validity, FixedDates):
        dates = {"first_on": [validity.first_on.isoformat()], "last_on": [validity.last_on.isoformat()]}
        return {"validity": ["fixed"], **dates}
    return {"validity": ["relative"], "days": [str(validity.days)], "delay_days": [str(validity.delay_days)]}


def _shown_all(values: frozenset[int]) -> list[str]:
    return [str(value) for value in sorted(values)]


def _shown(value: int | None) -> str:
    return "" if value is None else str(value)
