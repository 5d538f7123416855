"""Baskets (购物篮): what is about to be bought, where and when, and which of its lines a coupon looks at."""

from dataclasses import dataclass
from datetime import datetime

from loyalty.coupons.rules.terms import Scope
from loyalty.kernel.local_time import LocalTime
from loyalty.orders.rules import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What coupons are to pay for; prices are those before any coupon and any points.

    Without lines nobody says what is bought: then only a gift without a threshold can be handed over.
    """

    store_id: int | None
    region_id: int | None
    channel: str
    lines: tuple[Line, ...]
    local: LocalTime
    """``at`` as ``local_time`` gives it."""
    at: datetime


def is_at(scope: Scope, basket: Basket) -> bool:
    """Tell whether a coupon holds in the basket's store."""
    nodes = {basket.store_id, basket.region_id} - {None}
    if nodes & scope.excluded_nodes:
        return False
    return not scope.included_nodes or bool(nodes & scope.included_nodes)


def is_for(scope: Scope, line: Line) -> bool:
    """Tell whether a coupon holds for a line."""
    if line.sku in scope.excluded_skus or line.category in scope.excluded_categories:
        return False
    return not names_goods(scope) or line.sku in scope.skus or line.category in scope.categories


def names_goods(scope: Scope) -> bool:
    """Tell whether a scope says for which goods it holds, rather than for all but some."""
    return bool(scope.skus or scope.categories)
