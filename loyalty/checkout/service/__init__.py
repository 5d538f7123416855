"""Use cases of checkout; each is one transaction of the caller's."""

from loyalty.checkout.service.baskets import ReservedBasket, release_basket, reserve_basket
from loyalty.checkout.service.points_as_money import PointsHold, hold_points, quote_points, release_points
from loyalty.checkout.service.policies import save_policy
from loyalty.checkout.service.previews import Preview, preview
from loyalty.checkout.service.purchases import PurchaseOutcome, purchase
from loyalty.checkout.service.refunds import RefundOutcome, refund

__all__ = [
    "PointsHold",
    "Preview",
    "PurchaseOutcome",
    "RefundOutcome",
    "ReservedBasket",
    "hold_points",
    "preview",
    "purchase",
    "quote_points",
    "refund",
    "release_basket",
    "release_points",
    "reserve_basket",
    "save_policy",
]
