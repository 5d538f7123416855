"""Validity (有效期): from when until when a coupon holds, and at which hours within that.

Instants are half-open: a coupon holds until the midnight of the programme's time zone after its last date, that
midnight left out. Hours over midnight hold on the day on which they began, also past the end of a week.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.coupons.rules.errors import CouponHoursOver, CouponPeriodOver
from loyalty.coupons.rules.terms import FixedDates, RefundPolicy, Terms, Windows
from loyalty.coupons.rules.unfit import Unfit
from loyalty.kernel.clock import business_date, end_of, start_of
from loyalty.kernel.local_time import LocalTime, days_of_hours, local_time

_DAYS_AHEAD = 8
"""The same weekday comes again within it, also when its hours today are over."""


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when a coupon holds; the end left out."""

    usable_at: datetime
    expires_at: datetime


def validity_of(terms: Terms, *, issued_at: datetime, zone: ZoneInfo) -> Period:
    """Return the period of a coupon that is issued at an instant; it never begins before that.

    Raises:
        CouponPeriodOver: its fixed dates have passed.
        CouponHoursOver: within its period it could not be used any more.
    """
    validity = terms.validity
    if isinstance(validity, FixedDates):
        first, last = validity.first_on, validity.last_on
    else:
        first = business_date(issued_at, zone) + timedelta(days=validity.delay_days)
        last = first + timedelta(days=validity.days - 1)
    expires_at = end_of(last, zone)
    if expires_at <= issued_at:
        raise CouponPeriodOver(last_on=last.isoformat())
    usable_at = max(start_of(first, zone), issued_at)
    if next_window(terms.windows, local_time(usable_at, zone)).on > last:
        raise CouponHoursOver
    return Period(usable_at, expires_at)


def expiry_after_return(terms: Terms, *, expires_at: datetime, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return until when a coupon holds that comes back at an instant because its order was refunded (退券).

    One that has lapsed meanwhile holds through so many more business dates. None: it does not come back.
    """
    if terms.refund is RefundPolicy.FORFEIT:
        return None
    if at < expires_at:
        return expires_at
    if not terms.refund_grace_days:
        return None
    return end_of(business_date(at, zone) + timedelta(days=terms.refund_grace_days - 1), zone)


def bonus_points(terms: Terms, *, usable_at: datetime, redeemed_at: datetime, zone: ZoneInfo) -> int:
    """Return the points that using a coupon so early brings (尽早使用奖励); its first usable date counts as one."""
    days = (business_date(redeemed_at, zone) - business_date(usable_at, zone)).days + 1
    return next((step.points for step in terms.bonus if days <= step.within_days), 0)


def is_in_window(windows: Windows, local: LocalTime) -> bool:
    """Tell whether a coupon holds at a time of the day."""
    return unmet_window(windows, local) is None


def unmet_window(windows: Windows, local: LocalTime) -> Unfit | None:
    """Return whether it is the weekday or the hours at which a coupon does not hold; None when it does."""
    days = list(days_of_hours(windows.hours, local.on, local.minute))
    if any(_is_wanted(windows, day) for day in days):
        return None
    return Unfit.WEEKDAY if days or not _is_wanted(windows, local.on) else Unfit.HOURS


def next_window(windows: Windows, local: LocalTime) -> LocalTime:
    """Return when a coupon holds next: now if it does, else when its next hours begin."""
    if is_in_window(windows, local):
        return local
    now = (local.on, local.minute)
    begin = min(one for one in _beginnings(windows, local.on) if one > now)
    return LocalTime(*begin)


def _beginnings(windows: Windows, first: date) -> Iterator[tuple[date, int]]:
    for offset in range(_DAYS_AHEAD):
        day = first + timedelta(days=offset)
        if _is_wanted(windows, day):
            yield from ((day, one.from_minute) for one in windows.hours)
            if not windows.hours:
                yield day, 0


def _is_wanted(windows: Windows, day: date) -> bool:
    return not windows.weekdays or day.isoweekday() in windows.weekdays
