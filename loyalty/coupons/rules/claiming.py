"""Claiming rules (领取状态): whether a member could claim a coupon now, and in Chinese what stands against it.

The checks are those that issuing makes, only told in the order that matters to whoever looks: what can never be comes
before what is not yet.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from loyalty.coupons.rules.errors import (
    CouponClosed,
    CouponHoursOver,
    CouponLimitReached,
    CouponNotForMember,
    CouponNotIssuing,
    CouponNotOpen,
    CouponPeriodOver,
    CouponSoldOut,
)
from loyalty.coupons.rules.issuing import check_eligible, check_issuing, check_stock_left, price_of
from loyalty.coupons.rules.limiting import DAY_STOCK, MEMBER_DAY, MEMBER_TOTAL
from loyalty.coupons.rules.states import IssuePath, TemplateState
from loyalty.coupons.rules.terms import Eligibility, MemberLimits, Terms
from loyalty.coupons.rules.validity import validity_of
from loyalty.coupons.rules.words import FOR_CHOSEN, Names
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.wording import named
from loyalty.points.rules import InsufficientPoints


class ClaimState(StrEnum):
    """Where a member stands with a template."""

    CLAIMABLE = "claimable"
    UPCOMING = "upcoming"
    """Claiming opens later."""
    POINTS_SHORT = "points_short"
    CLAIMED = "claimed"
    """The member has as many as one may have, in all or today."""
    SOLD_OUT = "sold_out"
    NOT_FOR_MEMBER = "not_for_member"
    CLOSED = "closed"
    """Claiming is over, or nothing is issued any more or for the time being, or what is could not be used."""


_STATES: dict[type[LoyaltyError], ClaimState] = {
    CouponNotForMember: ClaimState.NOT_FOR_MEMBER,
    CouponLimitReached: ClaimState.CLAIMED,
    CouponSoldOut: ClaimState.SOLD_OUT,
    CouponNotOpen: ClaimState.UPCOMING,
    InsufficientPoints: ClaimState.POINTS_SHORT,
    CouponClosed: ClaimState.CLOSED,
    CouponNotIssuing: ClaimState.CLOSED,
    CouponPeriodOver: ClaimState.CLOSED,
    CouponHoursOver: ClaimState.CLOSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What stands between a member and a coupon of a template."""

    state: TemplateState
    terms: Terms
    stock: int | None
    stock_used: int
    day_stock_used: int
    own_total: int
    own_day: int
    tier_level: int
    tags: frozenset[int]
    points_available: int


def obstacle(sight: Sight, *, path: IssuePath, at: datetime, zone: ZoneInfo) -> LoyaltyError | None:
    """Return the refusal that a claim would meet now; nothing when it would succeed."""
    terms = sight.terms
    try:
        check_eligible(terms.eligibility, tier_level=sight.tier_level, tags=sight.tags)
        _check_own(terms.member_limits, sight)
        check_stock_left(
            terms.stock, stock=sight.stock, stock_used=sight.stock_used, day_stock_used=sight.day_stock_used
        )
        check_issuing(sight.state, terms.claiming, path, at)
        validity_of(terms, issued_at=at, zone=zone)
        if sight.points_available < price_of(terms.claiming, path):
            raise InsufficientPoints
    except LoyaltyError as refusal:
        return refusal
    return None


def state_of(refusal: LoyaltyError | None) -> ClaimState:
    """Return where a refusal leaves the member."""
    return ClaimState.CLAIMABLE if refusal is None else _STATES[type(refusal)]


def explain_refusal(refusal: LoyaltyError, sight: Sight, *, names: Names, zone: ZoneInfo) -> str:
    """Say in Chinese why a member cannot claim now, and what would help."""
    limit = refusal.details.get("limit")
    match refusal:
        case CouponNotForMember():
            return _whom(sight.terms.eligibility, sight.tier_level, str(refusal.details["condition"]), names)
        case CouponLimitReached():
            return "今天已领取，明天可再来" if limit == MEMBER_DAY else f"已领取 {sight.own_total:,} 张，达到每人上限"
        case CouponSoldOut():
            return "今日已领完，明天可再来" if limit == DAY_STOCK else "已领完"
        case CouponNotOpen():
            return f"{_moment(str(refusal.details['opens_at']), zone)} 开始领取"
        case InsufficientPoints():
            short = sight.terms.claiming.points_price - sight.points_available
            return f"还差 {short:,} 积分"
    return refusal.message


def percent_left(sight: Sight) -> int | None:
    """Return what is left of the stock in percent, that of today when it is scarcer; None when it is unlimited.

    Rounded up, so that 0 means that nothing is left.
    """
    pairs = ((sight.stock, sight.stock_used), (sight.terms.stock.per_day, sight.day_stock_used))
    left = [-(-100 * max(0, most - used) // most) for most, used in pairs if most is not None]
    return min(left, default=None)


def _check_own(limits: MemberLimits, sight: Sight) -> None:
    if limits.total is not None and sight.own_total >= limits.total:
        raise CouponLimitReached(limit=MEMBER_TOTAL)
    if limits.per_day is not None and sight.own_day >= limits.per_day:
        raise CouponLimitReached(limit=MEMBER_DAY)


def _whom(wanted: Eligibility, tier_level: int, condition: str, names: Names) -> str:
    if condition == "tag":
        return FOR_CHOSEN
    own = max((level for level in names.tiers if level <= tier_level), default=None)
    yours = "" if own is None else f"，您目前是 {names.tiers[own]}"
    return f"限 {named(wanted.tier_levels, names.tiers, '等级')} 领取{yours}"


def _moment(text: str, zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(text).astimezone(zone)
    return f"{at.month}月{at.day}日 {at:%H:%M}"
