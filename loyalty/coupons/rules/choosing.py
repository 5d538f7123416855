"""Choosing (选券): which coupons together save the most for a basket.

Coupons with the same terms are one kind, of which those that lapse the soonest go first. A choice takes so many of
each kind, and of a stacking group one at most; an exclusive coupon is a choice of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, product
from math import prod

from loyalty.coupons.rules.basket import Basket
from loyalty.coupons.rules.candidates import Candidate, apply, sum_of
from loyalty.coupons.rules.terms import Terms

COUPONS_MAX = 10
"""How many coupons pay for one basket at most."""
CHOICES_MAX = 1_000
"""How many choices are compared; when there are more, the best is sought step by step."""
KINDS_MAX = 40
"""How many kinds are looked at step by step: those that save the most by themselves."""

Choice = tuple[Candidate, ...]
Kinds = Mapping[Terms, Sequence[Candidate]]
Score = tuple[int, int, list[datetime], list[int]]


def save_most(candidates: Iterable[Candidate], basket: Basket) -> Choice:
    """Return the coupons that save the most together; of equal choices the fewest, then those that lapse the soonest.

    Exact while there are ``CHOICES_MAX`` choices at most. Beyond that it starts with nothing and takes the step that
    saves the most until none saves more, so that it may miss the best.
    """
    by_worth = sorted(candidates, key=lambda one: (-one.saves_fen, one.offer.expires_at, one.offer.coupon_id))
    # A gift may save nothing by itself and still do beside another: of two pieces for a fen, one costs nothing.
    kinds = _kinds(one for one in by_worth if not one.is_handed_over)
    # Of an exclusive kind only the one that lapses the soonest can be the best.
    alone = [(kind[0],) for terms, kind in kinds.items() if terms.stacking.is_exclusive]
    options = _options({terms: kind for terms, kind in kinds.items() if not terms.stacking.is_exclusive})
    if prod(map(len, options)) <= CHOICES_MAX:
        together = [choice for parts in product(*options) if len(choice := _join(parts)) <= COUPONS_MAX]
    else:
        together = [_step_by_step(options[:KINDS_MAX], basket)]
    return min([(), *alone, *together], key=lambda choice: _score(choice, basket))


def _kinds(candidates: Iterable[Candidate]) -> Kinds:
    kinds: dict[Terms, list[Candidate]] = {}
    for one in candidates:
        kinds.setdefault(one.offer.terms, []).append(one)
    return kinds


def _options(kinds: Kinds) -> list[list[Choice]]:
    """List of each group, and of each kind that has none, what may be taken of it; the first is nothing."""
    options: dict[Terms | str, list[Choice]] = {}
    for terms, kind in kinds.items():
        group = terms.stacking.group
        if group is None:
            options[terms] = [tuple(kind[:count]) for count in range(min(len(kind), COUPONS_MAX) + 1)]
        else:
            options.setdefault(group, [()]).append((kind[0],))
    return list(options.values())


def _step_by_step(options: Sequence[Sequence[Choice]], basket: Basket) -> Choice:
    taken: list[Choice] = [() for _ in options]
    least = _score((), basket)
    while True:
        steps = ((place, option) for place, several in enumerate(options) for option in several)
        tried = ((_score(_join(_with(taken, *step)), basket), step) for step in steps)
        score, (place, option) = min(tried, key=lambda one: one[0])
        if score >= least:
            return _join(taken)
        least, taken = score, _with(taken, place, option)


def _with(taken: Sequence[Choice], place: int, option: Choice) -> list[Choice]:
    return [*taken[:place], option, *taken[place + 1 :]]


def _join(parts: Iterable[Choice]) -> Choice:
    return tuple(chain.from_iterable(parts))


def _score(choice: Choice, basket: Basket) -> Score:
    saved = sum(sum_of(shares) for _, shares in apply(choice, basket) if shares)
    if len(choice) > COUPONS_MAX:
        saved = 0
    lapsing = sorted(one.offer.expires_at for one in choice)
    return -saved, len(choice), lapsing, sorted(one.offer.coupon_id for one in choice)
