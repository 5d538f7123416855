"""What a campaign came to (活动效果), in figures that add up, and whether it did anything (对照)."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum

from loyalty.campaigns.rules.costs import points_fen
from loyalty.campaigns.rules.intervals import Interval, Sample, difference_of_means, difference_of_shares

MEMBERS_LEAST = 100
"""Fewer members than this in either group say nothing, whatever the interval would."""
BUYERS_LEAST = 10
"""What members spend is skewed: its means are compared from so many buyers in each group on."""


class Way(StrEnum):
    """How members came to a campaign."""

    PUSH = "push"
    """It went to them: at an instant, again and again, or by a date of theirs."""
    EVENT = "event"
    LINK = "link"
    QR = "qr"
    MENU = "menu"


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of some entries; a member counts once for each occurrence."""

    entered: int = 0
    """All of them: held out, waiting, missed and done."""
    held_out: int = 0
    waiting: int = 0
    missed: int = 0
    done: int = 0
    """Reached (触达): given what the campaign gives."""
    points: int = 0
    coupons: int = 0
    points_taken: int = 0
    """Of the points, what undoing took back."""
    coupons_taken: int = 0
    points_used: int = 0
    """Of the points, what was spent by now; what a refund put back never was."""
    coupons_used: int = 0
    """Uses that stand."""
    discount_fen: int = 0
    purchases: int = 0
    revenue_fen: int = 0
    """Net of refunds, in the days after the members entered; a purchase belongs to the entry before it."""
    coupon_revenue_fen: int = 0
    """The part of it that was bought with a coupon of the campaign."""

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, name) + getattr(other, name) for name in FIGURES))

    @classmethod
    def sum_of(cls, parts: Iterable["Figures"]) -> "Figures":
        """Return all of them together."""
        return sum(parts, cls())

    def cost_fen(self, points_per_yuan: int) -> int:
        """Return what it cost: points at their worth but those taken back, coupons at what they really took off."""
        return points_fen(self.points - self.points_taken, points_per_yuan) + self.discount_fen


FIGURES = tuple(field.name for field in fields(Figures))


@dataclass(frozen=True, slots=True)
class Group:
    """Members of whom one compares what they bought after they had entered."""

    buyers: int = 0
    spent: Sample = Sample(0, 0, 0)
    """Of each member, buyer or not, the net fen."""

    @property
    def members(self) -> int:
        """How many they are."""
        return self.spent.count


@dataclass(frozen=True, slots=True)
class Comparison:
    """Those whom the campaign was for against those held out: all who entered, whether or not it came off.

    To leave out whoever missed it would compare the lucky with everybody.
    """

    treated: Group
    held_out: Group

    @property
    def buyers(self) -> Interval | None:
        """By how much the share of buyers is higher; None where the groups are too small to say."""
        one, other = self.treated, self.held_out
        if not self._have(MEMBERS_LEAST, "members"):
            return None
        return difference_of_shares(one.buyers, one.members, other.buyers, other.members)

    @property
    def spent(self) -> Interval | None:
        """By how many fen a member spends more; None where the groups are too small to say."""
        if not self._have(MEMBERS_LEAST, "members") or not self._have(BUYERS_LEAST, "buyers"):
            return None
        return difference_of_means(self.treated.spent, self.held_out.spent)

    def _have(self, least: int, name: str) -> bool:
        return all(getattr(group, name) >= least for group in (self.treated, self.held_out))
