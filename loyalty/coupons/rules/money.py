"""Money (分摊): what coupons took off each line of an order.

The order's lines are kept with their prices before coupons. What several coupons took off a line is returned as one
part, so that what the member paid never grows by a refund; ``orders.sharing`` tells what of it is left then.
"""

from collections.abc import Sequence

from loyalty.coupons.rules.pricing import Discount
from loyalty.orders.rules import Line
from loyalty.orders.sharing import shares_of


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
