"""Fitting (是否可用): what of a coupon's terms a basket does not meet, whatever other coupons pay for it."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.coupons.rules.basket import Basket, is_at, is_for, names_goods
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.terms import Gift, Terms, Windows
from loyalty.coupons.rules.unfit import Lacking, Unfit, unfit_of
from loyalty.coupons.rules.validity import unmet_window
from loyalty.kernel.clock import business_date
from loyalty.kernel.local_time import LocalTime

Refusal = tuple[Unfit, Lacking]


def positions_in_scope(terms: Terms, basket: Basket) -> tuple[int, ...]:
    """Return which of the basket's lines a coupon holds for."""
    return tuple(position for position, line in enumerate(basket.lines) if is_for(terms.scope, line))


def is_handed_over(terms: Terms, basket: Basket) -> bool:
    """Tell whether a coupon is for a thing that the clerk hands over, rather than for something in the basket."""
    return isinstance(terms.worth, Gift) and (not basket.lines or not names_goods(terms.scope))


def unmet(terms: Terms, basket: Basket, positions: Sequence[int]) -> Refusal | None:
    """Return the first of a coupon's terms that a basket does not meet; the threshold comes last, as it can be met."""
    scope = terms.scope
    if not is_at(scope, basket):
        return Unfit.STORE, {}
    if scope.channels and basket.channel not in scope.channels:
        return Unfit.CHANNEL, {"channels": sorted(scope.channels)}
    if (outside := outside_of(terms.windows, basket.local)) is not None:
        return outside
    if not positions and not is_handed_over(terms, basket):
        return Unfit.PRODUCT, {}
    short_fen = terms.threshold_fen - sum(basket.lines[position].amount_fen for position in positions)
    return (Unfit.THRESHOLD, {"amount_fen": short_fen}) if short_fen > 0 else None


def outside_of(windows: Windows, local: LocalTime) -> Refusal | None:
    """Return why a coupon does not hold at a time of the day."""
    match unmet_window(windows, local):
        case Unfit.WEEKDAY:
            return Unfit.WEEKDAY, {"weekdays": sorted(windows.weekdays)}
        case Unfit.HOURS:
            return Unfit.HOURS, {"hours": [[one.from_minute, one.until_minute] for one in windows.hours]}
    return None


def not_standing(standing: Standing, *, usable_at: datetime, zone: ZoneInfo) -> Refusal | None:
    """Return why a coupon that stands so cannot be used, whatever is bought and when."""
    reason = unfit_of(standing)
    if reason is not Unfit.NOT_STARTED:
        return None if reason is None else (reason, {})
    return reason, {"usable_on": business_date(usable_at, zone).isoformat()}
