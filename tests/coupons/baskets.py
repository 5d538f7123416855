"""Baskets and coupons for pricing: by hand, and at random."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from loyalty.coupons.rules.basket import Basket
from loyalty.coupons.rules.pricing import Offer, Quote, go_together, quotes
from loyalty.coupons.rules.terms import (
    CashOff,
    DaysFromIssue,
    FixedPrice,
    Gift,
    PercentOff,
    Scope,
    Stacking,
    Terms,
    Worth,
)
from loyalty.kernel.local_time import LocalTime
from loyalty.orders.rules import Line

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
TOGETHER = Stacking(is_exclusive=False)
GOODS = ("A1", "A2", "B1")


def line_of(number: int, sku: str, amount_fen: int, quantity: int = 1, category: str = "") -> Line:
    return Line(number, sku, category, quantity, amount_fen)


def basket_of(*lines: Line, **changes: Any) -> Basket:
    """Return a basket in store 21 of region 10, on Tuesday 2026-03-10 at 10:00."""
    values: dict[str, Any] = {
        "store_id": 21,
        "region_id": 10,
        "channel": "pos",
        "lines": lines,
        "local": LocalTime(date(2026, 3, 10), 600),
        "at": AT,
    }
    return Basket(**(values | changes))


def offer_of(worth: Worth, *, coupon_id: int = 1, days: int = 30, **changes: Any) -> Offer:
    """Return a coupon that goes together with others, without a threshold."""
    values: dict[str, Any] = {"title": "券", "validity": DaysFromIssue(30), "stacking": TOGETHER}
    return Offer(coupon_id, Terms(worth=worth, **(values | changes)), AT + timedelta(days=days))


def compatible_sets(offers: list[Offer]) -> list[tuple[Offer, ...]]:
    """Return every set of coupons that go together."""
    return [
        chosen
        for count in range(len(offers) + 1)
        for chosen in combinations(offers, count)
        if all(go_together(one.terms, other.terms) for one, other in combinations(chosen, 2))
    ]


fens = st.one_of(st.integers(0, 30), st.integers(0, 30_000))
_lines = st.builds(
    Line,
    line_number=st.just(0),
    sku=st.sampled_from(GOODS),
    category=st.just(""),
    quantity=st.integers(1, 3),
    amount_fen=fens,
)
order_lines = st.lists(_lines, min_size=1, max_size=5).map(
    lambda found: tuple(replace(line, line_number=number) for number, line in enumerate(found, start=1))
)
baskets = order_lines.map(lambda lines: basket_of(*lines))
_worths = st.one_of(
    st.builds(CashOff, st.one_of(st.integers(1, 30), st.integers(1, 20_000))),
    st.builds(PercentOff, st.integers(1, 99), st.one_of(st.none(), st.integers(1, 5_000))),
    st.builds(FixedPrice, st.integers(1, 5_000)),
    st.just(Gift("礼品")),
)
_terms = st.builds(
    Terms,
    title=st.just("券"),
    worth=_worths,
    validity=st.just(DaysFromIssue(30)),
    threshold_fen=st.sampled_from([0, 0, 0, 20, 5_000]),
    scope=st.builds(Scope, skus=st.frozensets(st.sampled_from(GOODS), max_size=2)),
    stacking=st.one_of(
        st.just(TOGETHER),
        st.just(TOGETHER),
        st.sampled_from(
            [Stacking(), Stacking(is_exclusive=False, group="甲"), Stacking(is_exclusive=False, group="乙")]
        ),
    ),
)


def offers(most: int) -> st.SearchStrategy[list[Offer]]:
    """Return up to so many coupons, of which some have the same terms."""
    drawn = st.tuples(_terms, st.integers(1, 3), st.booleans())
    return st.lists(drawn, max_size=most).map(_numbered)


def _numbered(drawn: list[tuple[Terms, int, bool]]) -> list[Offer]:
    found: list[Offer] = []
    for number, (terms, days, is_like_the_last) in enumerate(drawn, start=1):
        same = found[-1].terms if found and is_like_the_last else terms
        found.append(Offer(number, same, AT + timedelta(days=days)))
    return found


def quote(offer: Offer, basket: Basket) -> Quote:
    """What a coupon takes off by itself."""
    return quotes([offer], basket)[offer.coupon_id]
