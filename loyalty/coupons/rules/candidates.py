"""Candidates (可用券): coupons that would pay for a basket by themselves, and what some of them take off together.

Declared order: gifts and fixed prices, then percentages, then cash; of a kind, whatever holds for less comes first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty.coupons.rules.basket import Basket
from loyalty.coupons.rules.discounting import Remainder, Shares
from loyalty.coupons.rules.fitting import Refusal, is_handed_over, positions_in_scope, unmet
from loyalty.coupons.rules.terms import CashOff, FixedPrice, Gift, PercentOff, Terms, Worth
from loyalty.coupons.rules.unfit import Unfit

_ORDER: Mapping[type[Worth], int] = {Gift: 0, FixedPrice: 0, PercentOff: 1, CashOff: 2}


@dataclass(frozen=True, slots=True)
class Offer:
    """A coupon that its owner might use."""

    coupon_id: int
    terms: Terms
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Fit:
    """What terms take off a basket by themselves, and what the goods cost for which they hold."""

    positions: tuple[int, ...]
    is_handed_over: bool
    shares: Shares
    in_scope_fen: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A coupon that would pay by itself, and for which of the basket's lines it holds."""

    offer: Offer
    positions: tuple[int, ...]
    is_handed_over: bool
    shares: Shares
    """What it takes off by itself."""
    rank: tuple[int, int, datetime, int]
    """In which order coupons are applied."""

    @property
    def saves_fen(self) -> int:
        """What it takes off by itself, in all."""
        return sum_of(self.shares)


def candidate_of(offer: Offer, basket: Basket) -> Candidate | Refusal:
    """Return a coupon as a candidate, or why it does not pay for a basket."""
    (found,) = candidates_of([offer], basket)
    return found


def candidates_of(offers: Sequence[Offer], basket: Basket) -> Iterator[Candidate | Refusal]:
    """Yield each coupon as a candidate, or why it does not pay; coupons with the same terms are looked at once."""
    fitted: dict[int, _Fit | Refusal] = {}
    for offer in offers:
        # The terms of a revision are one object wherever they are read; comparing them would cost more than fitting.
        found = fitted.get(id(offer.terms)) or fitted.setdefault(id(offer.terms), _fit(offer.terms, basket))
        yield _ranked(offer, found) if isinstance(found, _Fit) else found


def _fit(terms: Terms, basket: Basket) -> _Fit | Refusal:
    positions = positions_in_scope(terms, basket)
    refusal = unmet(terms, basket, positions)
    if refusal is not None:
        return refusal
    is_by_clerk = is_handed_over(terms, basket)
    shares = () if is_by_clerk else Remainder(basket.lines).take(terms.worth, positions)
    if shares is None:
        return Unfit.NOTHING_TO_DISCOUNT, {}
    in_scope_fen = sum(basket.lines[position].amount_fen for position in positions)
    return _Fit(positions, is_by_clerk, shares, in_scope_fen)


def _ranked(offer: Offer, fit: _Fit) -> Candidate:
    rank = (_ORDER[type(offer.terms.worth)], fit.in_scope_fen, offer.expires_at, offer.coupon_id)
    return Candidate(offer, fit.positions, fit.is_handed_over, fit.shares, rank)


def apply(candidates: Iterable[Candidate], basket: Basket) -> Iterator[tuple[Candidate, Shares | None]]:
    """Apply coupons in the declared order; None for one for which the others left nothing to do."""
    remainder = Remainder(basket.lines)
    for one in sorted(candidates, key=lambda one: one.rank):
        yield one, () if one.is_handed_over else remainder.take(one.offer.terms.worth, one.positions)


def go_together(one: Terms, other: Terms) -> bool:
    """Tell whether two coupons pay for one basket (叠加)."""
    if one.stacking.is_exclusive or other.stacking.is_exclusive:
        return False
    return one.stacking.group is None or one.stacking.group != other.stacking.group


def sum_of(shares: Shares) -> int:
    """Return a discount from its shares."""
    return sum(fen for _, fen in shares)
