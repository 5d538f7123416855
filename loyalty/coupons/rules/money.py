"""Money (分摊与退款): what coupons took off each line of an order, and what of that is left after refunds.

The order's lines are kept with their prices before coupons. What several coupons took off a line is returned as one
part, so that what the member paid never grows by a refund; a coupon's own part is told from that.
"""

from collections.abc import Sequence

from loyalty.coupons.rules.pricing import Discount
from loyalty.orders.rules import Line
from loyalty.orders.sharing import parts_left, shares_of


def taken_off(discounts: Sequence[Discount]) -> dict[int, int]:
    """Return what coupons took off each line together, by line number; for ``orders.sharing.money_left``."""
    off: dict[int, int] = {}
    for discount in discounts:
        for line_number, fen in discount.shares:
            off[line_number] = off.get(line_number, 0) + fen
    return off


def off_lines(lines: Sequence[Line], discounts: Sequence[Discount]) -> dict[int, int]:
    """Return what coupons took off the lines of an order as they read by now.

    Where a correction has left a line that cannot bear its part, what was taken off in all is spread anew, and no
    further than the lines cost.
    """
    off = taken_off(discounts)
    amounts = {line.line_number: line.amount_fen for line in lines}
    if all(fen <= amounts.get(line_number, 0) for line_number, fen in off.items()):
        return off
    whole = min(sum(off.values()), sum(amounts.values()))
    return dict(zip(amounts, shares_of(whole, list(amounts.values())), strict=True))


def discounts_left(lines: Sequence[Line], left: Sequence[Line], discounts: Sequence[Discount]) -> tuple[int, ...]:
    """Return how much each coupon still takes off what is left of an order; together what ``money_left`` is short.

    A fen may pass from one coupon to another as lines return; their sum is exact at every step.
    """
    figures, before = [], 0
    for upto in range(1, len(discounts) + 1):
        reached = sum(parts_left(lines, left, taken_off(discounts[:upto])).values())
        figures.append(reached - before)
        before = reached
    return tuple(figures)
