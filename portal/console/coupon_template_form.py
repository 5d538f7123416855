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
from portal.console.coupon_template_fields import Reader
from portal.console.figures import shown_money
from portal.console.form_fields import Form, shown, shown_all, shown_hours, shown_moment, shown_text_sets

_NODE_SETS = ("included_nodes", "excluded_nodes")


def form_of(terms: Terms, zone: ZoneInfo) -> dict[str, list[str]]:
    """Return terms as the form shows them."""
    scope, claiming = terms.scope, terms.claiming
    form = shown_text_sets(scope)
    form |= {name: shown_all(getattr(scope, name)) for name in _NODE_SETS}
    for row, step in enumerate(terms.bonus, start=1):
        form |= {f"bonus_days_{row}": [str(step.within_days)], f"bonus_points_{row}": [str(step.points)]}
    return form | {
        "title": [terms.title],
        **_shown_worth(terms),
        **_shown_validity(terms),
        "threshold_fen": [shown_money(terms.threshold_fen) if terms.threshold_fen else ""],
        "weekdays": shown_all(terms.windows.weekdays),
        "hours": [shown_hours(terms.windows.hours)],
        "stock_per_day": [shown(terms.stock.per_day)],
        "stock_per_store": [shown(terms.stock.per_store)],
        "member_total": [shown(terms.member_limits.total)],
        "member_per_day": [shown(terms.member_limits.per_day)],
        "tier_levels": shown_all(terms.eligibility.tier_levels),
        "tags": shown_all(terms.eligibility.tags),
        "is_in_centre": ["yes"] if claiming.is_in_centre else [],
        "opens_at": [shown_moment(claiming.opens_at, zone)],
        "closes_at": [shown_moment(claiming.closes_at, zone)],
        "points_price": [shown(claiming.points_price or None)],
        "stacking": ["exclusive" if terms.stacking.is_exclusive else "together"],
        "group": [terms.stacking.group or ""],
        "refund": [terms.refund.value],
        "refund_grace_days": [str(terms.refund_grace_days)],
        "reminder_days": [shown(terms.reminder_days)],
        "description": [terms.description],
        "picture": [terms.picture or ""],
    }


def template_of(form: Form, zone: ZoneInfo) -> tuple[Terms, int | None]:
    """Return the terms that a form stands for, and the stock in all; whether they make sense is not seen here.

    Raises:
        InvalidCouponTerms: with every field that cannot be read, and why.
    """
    reader = Reader(form)
    terms, stock = _terms(reader, zone), reader.whole("stock")
    if reader.problems:
        raise InvalidCouponTerms(reader.problems)
    return terms, stock


def _terms(reader: Reader, zone: ZoneInfo) -> Terms:
    return Terms(
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
        refund=reader.choice("refund", RefundPolicy) or RefundPolicy.RETURN,
        refund_grace_days=reader.whole("refund_grace_days") or 0,
        reminder_days=reader.whole("reminder_days"),
        description=reader.text("description").replace("\r\n", "\n"),
        picture=reader.text("picture") or None,
    )


def _scope(reader: Reader) -> Scope:
    return Scope(
        included_nodes=reader.numbers("included_nodes"),
        excluded_nodes=reader.numbers("excluded_nodes"),
        **reader.text_sets(),
    )


def _claiming(reader: Reader, zone: ZoneInfo) -> Claiming:
    return Claiming(
        is_in_centre=reader.text("is_in_centre") == "yes",
        opens_at=reader.moment("opens_at", zone),
        closes_at=reader.moment("closes_at", zone),
        points_price=reader.whole("points_price") or 0,
    )


def _stacking(reader: Reader) -> Stacking:
    kind = reader.option("stacking", ("exclusive", "together"))
    return Stacking(is_exclusive=kind != "together", group=reader.text("group") or None)


def _shown_worth(terms: Terms) -> dict[str, list[str]]:
    match terms.worth:
        case CashOff(amount_fen=fen):
            return {"worth": ["cash_off"], "amount_fen": [shown_money(fen)]}
        case PercentOff(percent=percent, ceiling_fen=ceiling):
            form = {"worth": ["percent_off"], "percent": [off_of(percent)]}
            return form | ({} if ceiling is None else {"ceiling_fen": [shown_money(ceiling)]})
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
