"""Purchases and refunds."""

from marshmallow import Schema, fields, validate

from portal.partner_api.v1.schemas.base import AMOUNT_FEN_MAX, NUMBER, AboutMember, AtStore, Input, coupon_ids
from portal.partner_api.v1.schemas.instants import Instant

TEXT = validate.Length(min=1, max=64)
AMOUNT_FEN = validate.Range(min=0, max=AMOUNT_FEN_MAX)
QUANTITY_MAX = 1_000_000
LINES_MAX = 500


class Line(Input):
    """One line of an order: how many pieces of one thing, and what they cost together before coupons and points."""

    line_number = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=QUANTITY_MAX), metadata={"example": 1}
    )
    sku = fields.String(required=True, validate=TEXT, metadata={"example": "SKU-1001"})
    category = fields.String(load_default="", validate=validate.Length(max=64), metadata={"example": "coffee"})
    quantity = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=QUANTITY_MAX), metadata={"example": 2}
    )
    amount_fen = fields.Integer(required=True, strict=True, validate=AMOUNT_FEN, metadata={"example": 3600})


LINES = validate.Length(min=1, max=LINES_MAX)


class PreviewRequest(AboutMember):
    """A basket that is not paid yet; without a member, what anybody would earn."""

    channel = fields.String(load_default="pos", validate=TEXT, metadata={"example": "pos"})
    points_fen = fields.Integer(
        load_default=0, strict=True, validate=AMOUNT_FEN, metadata={"description": "What points are to pay of it."}
    )
    coupon_ids = coupon_ids(least=0)
    lines = fields.List(fields.Nested(Line), required=True, validate=LINES)


class Preview(Schema):
    """What the basket would earn, by the code that awards."""

    points = fields.Integer(required=True, metadata={"example": 36})
    growth = fields.Integer(required=True)
    reasons = fields.List(fields.String(), required=True, metadata={"example": ["消费满10元得10积分"]})


class PurchaseRequest(AboutMember):
    """A purchase that is paid; a correction is the same number with a higher version."""

    order_number = fields.String(required=True, validate=NUMBER, metadata={"example": "POS1-20260310-0001"})
    version = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1, max=10_000))
    channel = fields.String(load_default="pos", validate=TEXT, metadata={"example": "pos"})
    paid_at = Instant(required=True, metadata={"example": "2026-03-10T10:00:00+08:00"})
    hold_reference = fields.String(
        load_default=None,
        validate=NUMBER,
        metadata={"description": "Coupons and points set aside that pay for a part."},
    )
    lines = fields.List(fields.Nested(Line), required=True, validate=LINES)


class Purchase(Schema):
    """What the purchase earned and why."""

    order_number = fields.String(required=True)
    version = fields.Integer(required=True)
    points = fields.Integer(required=True, metadata={"example": 36})
    growth = fields.Integer(required=True)
    balance_after = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null after an enrolment by phone."}
    )
    captured_points = fields.Integer(required=True, metadata={"description": "Points that paid for a part."})
    captured_fen = fields.Integer(required=True)
    discount_fen = fields.Integer(required=True, metadata={"description": "What coupons took off."})
    reasons = fields.List(fields.String(), required=True)


class RefundLine(Input):
    """What a refund returns of one line: pieces, money or both."""

    line_number = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=QUANTITY_MAX), metadata={"example": 1}
    )
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=QUANTITY_MAX))
    amount_fen = fields.Integer(required=True, strict=True, validate=AMOUNT_FEN, metadata={"example": 1800})


class RefundRequest(AtStore):
    """A refund; it may come before its purchase."""

    refund_number = fields.String(required=True, validate=NUMBER, metadata={"example": "POS1-R-0001"})
    order_number = fields.String(required=True, validate=NUMBER, metadata={"example": "POS1-20260310-0001"})
    refunded_at = Instant(required=True, metadata={"example": "2026-03-10T11:00:00+08:00"})
    lines = fields.List(fields.Nested(RefundLine), required=True, validate=LINES)


class Refund(Schema):
    """What the refund undid; 202 while its purchase has not come."""

    refund_number = fields.String(required=True)
    order_number = fields.String(required=True)
    is_waiting_for_purchase = fields.Boolean(required=True)
    points_taken_back = fields.Integer(required=True, metadata={"example": 18})
    points_returned = fields.Integer(required=True, metadata={"description": "Of the points that paid."})
    money_fen = fields.Integer(
        required=True,
        metadata={"description": "What to pay back in money, less what coupons and points had paid.", "example": 1800},
    )
    returned_coupon_ids = fields.List(
        fields.Integer(), required=True, metadata={"description": "Coupons that the member can use again."}
    )
    growth_taken_back = fields.Integer(required=True)
    debt = fields.Integer(required=True, metadata={"description": "What the member owes by now."})
