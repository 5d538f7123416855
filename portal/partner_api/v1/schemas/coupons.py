"""Coupons (优惠券): whose there are, what they take off, and giving one."""

from marshmallow import Schema, fields, validate

from portal.partner_api.v1.schemas.base import ID_MAX, NUMBER, AboutMember, AtStore, coupon_ids
from portal.partner_api.v1.schemas.members import MemberRef
from portal.partner_api.v1.schemas.purchases import LINES, TEXT, Line


class Basket(AboutMember):
    """What a member is about to buy, at the prices before coupons and points."""

    channel = fields.String(load_default="pos", validate=TEXT, metadata={"example": "pos"})
    lines = fields.List(fields.Nested(Line), required=True, validate=LINES)


class CouponsQuery(Schema):
    """Which page."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=64))
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class Coupon(Schema):
    """A coupon of a member."""

    coupon_id = fields.Integer(required=True, metadata={"example": 1001})
    template_id = fields.Integer(required=True, metadata={"example": 7})
    title = fields.String(required=True, metadata={"example": "周末满减券"})
    headline = fields.String(required=True, metadata={"example": "满 100 减 20"})
    expires_at = fields.AwareDateTime(required=True)


class OwnCoupon(Coupon):
    """A coupon that can be used now or later."""

    standing = fields.String(
        required=True, metadata={"description": "`usable`, `upcoming` or `locked`.", "example": "usable"}
    )
    usable_at = fields.AwareDateTime(required=True)


class Coupons(Schema):
    """A page of coupons, those that lapse the soonest first."""

    items = fields.List(fields.Nested(OwnCoupon), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class LineDiscount(Schema):
    """What is taken off one line."""

    line_number = fields.Integer(required=True, metadata={"example": 1})
    discount_fen = fields.Integer(required=True, metadata={"example": 2000})


class Discount(Schema):
    """What one coupon takes off, and off which lines; a gift that the clerk hands over takes off nothing."""

    coupon_id = fields.Integer(required=True, metadata={"example": 1001})
    discount_fen = fields.Integer(required=True, metadata={"example": 2000})
    lines = fields.List(fields.Nested(LineDiscount), required=True)


class ValidationRequest(Basket):
    """A basket to try coupons on; all of the member's unless some are named."""

    coupon_ids = coupon_ids(least=1)


class ValidatedCoupon(Coupon):
    """What one coupon would take off by itself, or why it does not pay."""

    is_usable = fields.Boolean(required=True)
    discount_fen = fields.Integer(required=True, metadata={"example": 2000})
    lines = fields.List(fields.Nested(LineDiscount), required=True)
    reason = fields.String(required=True, allow_none=True, metadata={"example": "threshold"})
    message = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The reason in Chinese, to be read to the member.", "example": "再买 ¥12.00 可用"},
    )


class BestChoice(Schema):
    """The coupons that together save the most; of equal choices the fewest, then those that lapse the soonest."""

    discount_fen = fields.Integer(required=True, metadata={"example": 2000})
    coupons = fields.List(fields.Nested(Discount), required=True)


class Validation(Schema):
    """Every coupon that was asked about, and the best choice among them."""

    coupons = fields.List(fields.Nested(ValidatedCoupon), required=True)
    best = fields.Nested(BestChoice, required=True)


class LookupRequest(AtStore):
    """The rotating code that a coupon's page shows: 18 digits, from 66."""

    coupon_code = fields.String(
        required=True, validate=validate.Length(min=1, max=32), metadata={"example": "661234567890123456"}
    )


class LookedUpCoupon(Coupon):
    """What the code names, and a reference to its owner; ``reason`` is why it cannot be used here and now."""

    reason = fields.String(required=True, allow_none=True, metadata={"example": "store"})
    message = fields.String(required=True, allow_none=True, metadata={"example": "本券不适用于当前门店"})
    member = fields.Nested(MemberRef, required=True)


class IssueRequest(AboutMember):
    """A coupon to give, under a reference of the till's own."""

    reference = fields.String(required=True, validate=NUMBER, metadata={"example": "POS1-C-0001"})
    template_id = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=ID_MAX), metadata={"example": 7}
    )


class IssuedCoupon(Schema):
    """The coupon that the member has now."""

    reference = fields.String(required=True)
    coupon_id = fields.Integer(required=True, metadata={"example": 1001})
    usable_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
