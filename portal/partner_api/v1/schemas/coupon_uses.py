"""Using coupons (锁定与核销), and baskets that coupons and points pay for together."""

from marshmallow import Schema, fields, validate

from portal.partner_api.v1.schemas.base import NUMBER, POINTS_MAX, AboutMember, coupon_ids
from portal.partner_api.v1.schemas.coupons import Basket, Discount
from portal.partner_api.v1.schemas.purchases import LINES_MAX, TEXT, Line

TOGETHER_MAX = 10
"""How many coupons pay for one basket."""
LOCK_MINUTES, LOCK_MINUTES_MAX = 30, 24 * 60


class LockRequest(Basket):
    """Coupons to set aside for an order that is not paid yet."""

    reference = fields.String(required=True, validate=NUMBER, metadata={"example": "POS1-L-0001"})
    coupon_ids = coupon_ids(least=1, most=TOGETHER_MAX, required=True)
    minutes = fields.Integer(
        load_default=LOCK_MINUTES,
        strict=True,
        validate=validate.Range(min=1, max=LOCK_MINUTES_MAX),
        metadata={"description": "How long; afterwards they are free again."},
    )


class Lock(Schema):
    """Coupons set aside until they are used, let go, or their time runs out."""

    reference = fields.String(required=True)
    discount_fen = fields.Integer(required=True, metadata={"example": 2000})
    coupons = fields.List(fields.Nested(Discount), required=True)
    expires_at = fields.AwareDateTime(required=True)


class RedeemRequest(AboutMember):
    """Coupons to use, named or locked before; without lines only a gift without a threshold can be handed over."""

    reference = fields.String(required=True, validate=NUMBER, metadata={"example": "POS1-U-0001"})
    coupon_ids = coupon_ids(least=1, most=TOGETHER_MAX)
    lock_reference = fields.String(
        load_default=None, validate=NUMBER, metadata={"description": "Instead of ids: what was locked under it."}
    )
    channel = fields.String(load_default="pos", validate=TEXT, metadata={"example": "pos"})
    lines = fields.List(
        fields.Nested(Line),
        load_default=list,
        validate=validate.Length(max=LINES_MAX),
        metadata={"description": "At the prices before coupons and points."},
    )


class RedeemedCoupon(Discount):
    """A coupon that was used; its redemption can be undone."""

    redemption_id = fields.Integer(required=True, metadata={"example": 501})
    bonus_points = fields.Integer(
        required=True, metadata={"description": "For early use; they come a moment later.", "example": 0}
    )


class Redeemed(Schema):
    """Coupons that were used together."""

    reference = fields.String(required=True)
    discount_fen = fields.Integer(required=True, metadata={"example": 2000})
    coupons = fields.List(fields.Nested(RedeemedCoupon), required=True)


class ReserveRequest(Basket):
    """Coupons, points or both that are to pay for a part of an order that is not paid yet."""

    reference = fields.String(required=True, validate=NUMBER, metadata={"example": "POS1-B-0001"})
    coupon_ids = coupon_ids(least=0, most=TOGETHER_MAX)
    points = fields.Integer(
        load_default=0, strict=True, validate=validate.Range(min=0, max=POINTS_MAX), metadata={"example": 500}
    )


class Reserved(Schema):
    """What waits for the order; report the purchase with ``hold_reference`` to settle all of it."""

    reference = fields.String(required=True)
    discount_fen = fields.Integer(required=True, metadata={"example": 2000})
    coupons = fields.List(fields.Nested(Discount), required=True)
    points = fields.Integer(required=True, metadata={"example": 500})
    points_fen = fields.Integer(required=True, metadata={"description": "What they are worth.", "example": 500})
    money_fen = fields.Integer(required=True, metadata={"description": "What is left to pay.", "example": 7500})
    expires_at = fields.AwareDateTime(required=True)
