"""What becomes of coupons, in plain Python: written as people tell the rules, not from the code."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loyalty.kernel.clock import business_date, end_of
from tests.factories.checkout import SHANGHAI

BONUS, BONUS_DAYS = 30, 2
WORTH_FEN = 2_000
"""Of every coupon, whatever else its template says."""


@dataclass(frozen=True)
class OracleTemplate:
    """How long a coupon lives, from when, and what becomes of it when its order is returned."""

    id: int
    returns: bool
    grace_days: int


@dataclass(eq=False)
class OracleLock:
    """Coupons set aside for an order; ``outcome`` is how it ended first, but that it was paid after all."""

    reference: str
    coupons: list["OracleCoupon"]
    until: datetime
    outcome: str | None = None
    uses: list["OracleUse"] = field(default_factory=list)


@dataclass(eq=False)
class OracleUse:
    """One use of a coupon, and what it brought for being early."""

    id: int
    coupon: "OracleCoupon"
    bonus: int
    is_reversed: bool = False
    is_paid: bool = False
    is_taken_back: bool = False


@dataclass(eq=False)
class OracleCoupon:
    """A coupon: in nobody's hand, in a lock, used or void; the clock does the rest."""

    id: int
    template: OracleTemplate
    usable_at: datetime
    expires_at: datetime
    lock: OracleLock | None = None
    is_used: bool = False
    is_void: bool = False

    def standing(self, at: datetime) -> str:
        """Where it stands, as its owner sees it."""
        if self.is_used:
            return "used"
        if self.is_void:
            return "voided"
        if self.lock and at < self.lock.until:
            return "locked"
        if at >= self.expires_at:
            return "lapsed"
        return "usable" if at >= self.usable_at else "upcoming"

    def why_not(self, at: datetime, own: OracleLock | None = None) -> str | None:
        """Why it cannot be used; its own lock stands against nothing."""
        stands = self.standing(at)
        if stands == "usable" or (stands == "locked" and own is not None and self.lock is own):
            return None
        return "not_started" if stands == "upcoming" else stands

    def use(self, use_id: int, at: datetime) -> OracleUse:
        self.is_used, self.lock = True, None
        days = (business_date(at, SHANGHAI) - business_date(self.usable_at, SHANGHAI)).days + 1
        return OracleUse(use_id, self, BONUS if days <= BONUS_DAYS else 0)

    def give_back(self, expires_at: datetime) -> None:
        self.is_used, self.expires_at = False, expires_at


def end_of_day(at: datetime, days: int = 0) -> datetime:
    """The midnight after the day so many days later."""
    return end_of(business_date(at, SHANGHAI) + timedelta(days=days), SHANGHAI)


def reverse(use: OracleUse, at: datetime) -> None:
    """A mistake at the till: the coupon is good for today at least."""
    use.is_reversed = True
    coupon = use.coupon
    coupon.give_back(coupon.expires_at if at < coupon.expires_at else end_of_day(at))


def return_with_order(use: OracleUse, at: datetime) -> bool:
    """All of the order came back: as its template says, the coupon does too. Tell whether it did."""
    coupon, template = use.coupon, use.coupon.template
    is_late = at >= coupon.expires_at
    if use.is_reversed or not template.returns or (is_late and not template.grace_days):
        return False
    use.is_reversed = True
    coupon.give_back(end_of_day(at, template.grace_days - 1) if is_late else coupon.expires_at)
    return True


@dataclass(eq=False)
class OracleOrder:
    """An order with the uses of its coupons, what is left of its lines, and the money that came back so far."""

    number: str
    uses: list[OracleUse]
    left: list[int]
    paid_fen: int
    back_fen: int = 0
