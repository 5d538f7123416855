"""Costs (成本): what giving once costs, in points, coupons and fen, at most.

Points cost what they are worth, coupons the most they take off. What a coupon takes off without a ceiling, or gives as
a thing, nobody can tell beforehand: it counts nothing and is named.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from loyalty.campaigns.rules.terms import Action, GiveCoupon, GivePoints
from loyalty.coupons.rules.terms import CashOff, PercentOff
from loyalty.coupons.rules.terms import Terms as CouponTerms

FEN_PER_YUAN = 100


@dataclass(frozen=True, slots=True)
class Cost:
    """What is given to one member at one time."""

    points: int = 0
    coupons: int = 0
    points_fen: int = 0
    coupons_fen: int = 0
    uncosted: frozenset[int] = frozenset()
    """Templates of coupons of which nobody can tell the most that they take off."""

    @property
    def fen(self) -> int:
        """What it costs in all, as far as one can tell; the limit ``fen_total`` counts this."""
        return self.points_fen + self.coupons_fen

    @property
    def has_value(self) -> bool:
        """Whether anything of value is given at all."""
        return bool(self.points or self.coupons)


def cost_of(actions: Collection[Action], *, points_per_yuan: int, coupons: Mapping[int, CouponTerms]) -> Cost:
    """Return what a campaign's actions give one member at one time; ``coupons`` are the terms in force by template."""
    points = sum(action.points for action in actions if isinstance(action, GivePoints))
    template_ids = [action.template_id for action in actions if isinstance(action, GiveCoupon)]
    worths = {one: most_off(coupons[one]) if one in coupons else None for one in template_ids}
    return Cost(
        points=points,
        coupons=len(template_ids),
        points_fen=points_fen(points, points_per_yuan),
        coupons_fen=sum(worths[one] or 0 for one in template_ids),
        uncosted=frozenset(one for one, worth in worths.items() if worth is None),
    )


def points_fen(points: int, points_per_yuan: int) -> int:
    """Return what points are worth, parts of a fen as a whole one."""
    return -(-points * FEN_PER_YUAN // points_per_yuan)


def most_off(terms: CouponTerms) -> int | None:
    """Return the most that a coupon takes off, in fen; None where its terms do not bound it."""
    match terms.worth:
        case CashOff(amount_fen=fen):
            return fen
        case PercentOff(ceiling_fen=ceiling):
            return ceiling
    return None
