"""Pricing (算价): what coupons take off a basket, alone and together, and which of them save the most.

Thresholds look at the goods in scope before any coupon. Whole fen; the shares of a discount add up to it, and no line
is brought below zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from loyalty.coupons.rules.basket import Basket
from loyalty.coupons.rules.candidates import Candidate, Offer, apply, candidate_of, candidates_of, go_together, sum_of
from loyalty.coupons.rules.choosing import COUPONS_MAX, save_most
from loyalty.coupons.rules.discounting import Shares
from loyalty.coupons.rules.fitting import Refusal
from loyalty.coupons.rules.unfit import Lacking, Unfit

__all__ = ["COUPONS_MAX", "Discount", "Offer", "Pricing", "Quote", "best", "go_together", "price", "quotes"]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a coupon takes off by itself, or why it does not pay."""

    discount_fen: int
    reason: Unfit | None = None
    lacking: Lacking = field(default_factory=dict)
    shares: Shares = ()


@dataclass(frozen=True, slots=True)
class Discount:
    """What a coupon takes off, and off which lines; a gift that the clerk hands over takes off nothing."""

    coupon_id: int
    discount_fen: int
    shares: Shares


@dataclass(frozen=True, slots=True)
class Pricing:
    """What coupons take off together, in the order in which they were applied, and why others do not pay."""

    discounts: tuple[Discount, ...]
    refused: Mapping[int, Refusal]

    @property
    def discount_fen(self) -> int:
        """What all of them take off."""
        return sum(discount.discount_fen for discount in self.discounts)


def quotes(offers: Sequence[Offer], basket: Basket) -> Mapping[int, Quote]:
    """Return what each coupon takes off a basket by itself, or why it does not pay."""
    found = zip(offers, candidates_of(offers, basket), strict=True)
    return {offer.coupon_id: _quote(one) for offer, one in found}


def price(offers: Iterable[Offer], basket: Basket) -> Pricing:
    """Return what coupons take off a basket together.

    Of coupons that do not go together the one that comes first pays, if it would pay by itself. A coupon for which
    the others leave nothing to take off is refused, so that it is not used up for nothing.
    """
    refused: dict[int, Refusal] = {}
    chosen: dict[int, Candidate] = {}
    for offer in {offer.coupon_id: offer for offer in offers}.values():
        found = candidate_of(offer, basket)
        answer = (_clash(found, chosen.values()) or found) if isinstance(found, Candidate) else found
        if isinstance(answer, Candidate):
            chosen[offer.coupon_id] = answer
        else:
            refused[offer.coupon_id] = answer
    discounts = []
    for one, shares in apply(chosen.values(), basket):
        if shares is None:
            refused[one.offer.coupon_id] = (Unfit.NOTHING_TO_DISCOUNT, {})
        else:
            discounts.append(Discount(one.offer.coupon_id, sum_of(shares), shares))
    return Pricing(tuple(discounts), refused)


def best(offers: Sequence[Offer], basket: Basket) -> tuple[int, ...]:
    """Return the coupons that together save the most (最优组合), by ascending id; none when nothing is saved.

    Of equal sets the one of the fewest coupons, then that which lapses the soonest; see ``save_most``.
    """
    candidates = [found for found in candidates_of(offers, basket) if isinstance(found, Candidate)]
    return tuple(sorted(one.offer.coupon_id for one in save_most(candidates, basket)))


def _quote(found: Candidate | Refusal) -> Quote:
    return Quote(found.saves_fen, shares=found.shares) if isinstance(found, Candidate) else Quote(0, *found)


def _clash(candidate: Candidate, chosen: Iterable[Candidate]) -> Refusal | None:
    others = list(chosen)
    for one in others:
        if not go_together(one.offer.terms, candidate.offer.terms):
            return Unfit.STACKING, {"with_coupon_id": one.offer.coupon_id}
    return (Unfit.TOO_MANY, {"most": COUPONS_MAX}) if len(others) >= COUPONS_MAX else None
