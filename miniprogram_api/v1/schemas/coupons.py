"""Coupons as the member sees them: what can be claimed, what is in the wallet, and one coupon at the till."""

from marshmallow import Schema, fields, validate

from loyalty.coupons.queries.wallet import Shelf
from loyalty.coupons.rules.claiming import ClaimState
from loyalty.coupons.rules.states import Standing
from loyalty.coupons.rules.unfit import Unfit
from miniprogram_api.v1.schemas.base import CursorQuery, Input

CODE_LENGTH_MAX = 40
_HEADLINE = {"example": "满 100 减 20"}
_PICTURE = {"description": "Path of the template's picture; what it names never changes."}


class Offer(Schema):
    """A template (券模板) as this member sees it now."""

    template_id = fields.Integer(required=True)
    title = fields.String(required=True, metadata={"example": "会员日满减券"})
    headline = fields.String(required=True, metadata=_HEADLINE)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in ClaimState]))
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it cannot be claimed now.", "example": "限 金卡会员 领取，您目前是 普通会员"},
    )
    opens_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "While claiming has not opened."}
    )
    closes_at = fields.AwareDateTime(required=True, allow_none=True)
    points_price = fields.Integer(required=True, metadata={"description": "0: free.", "example": 0})
    percent_left = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Of the stock; null when unlimited.", "example": 35}
    )
    picture = fields.String(required=True, allow_none=True, metadata=_PICTURE)


class Offers(Schema):
    """A page of the coupon centre (领券中心)."""

    items = fields.List(fields.Nested(Offer), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    now = fields.AwareDateTime(required=True, metadata={"description": "The server's time, to count down by."})


class OfferDetail(Offer):
    """A template with all of its terms."""

    lines = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The terms, line by line.", "example": ["全部门店可用"]},
    )
    description = fields.String(required=True, metadata={"description": "Rules of use in the operator's words."})
    now = fields.AwareDateTime(required=True, metadata={"description": "The server's time, to count down by."})


class ClaimCodeRequest(Input):
    """A claim code (兑换码) as it was typed or scanned."""

    code = fields.String(
        required=True,
        validate=validate.Length(min=1, max=CODE_LENGTH_MAX),
        metadata={"example": "3F7K-9MNP-XW2A"},
    )


class Claimed(Schema):
    """The coupon that a claim brought."""

    coupon_id = fields.Integer(required=True)
    usable_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class WalletQuery(CursorQuery):
    """Which shelf of the wallet."""

    shelf = fields.String(
        load_default=Shelf.USABLE.value,
        validate=validate.OneOf([shelf.value for shelf in Shelf]),
        metadata={"example": "usable"},
    )


class Coupon(Schema):
    """A coupon (券) in the wallet."""

    id = fields.Integer(required=True)
    template_id = fields.Integer(required=True)
    title = fields.String(required=True, metadata={"example": "会员日满减券"})
    headline = fields.String(required=True, metadata=_HEADLINE)
    standing = fields.String(required=True, validate=validate.OneOf([one.value for one in Standing]))
    window = fields.String(
        required=True,
        metadata={"description": "At which hours it holds; empty for all.", "example": "周一至周五 11:00–14:00"},
    )
    usable_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    redeemed_at = fields.AwareDateTime(required=True, allow_none=True)
    picture = fields.String(required=True, allow_none=True, metadata=_PICTURE)


class Wallet(Schema):
    """A page of one shelf: what can be used by which lapses first, the rest newest first."""

    items = fields.List(fields.Nested(Coupon), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Redemption(Schema):
    """The use of a coupon (核销)."""

    redeemed_at = fields.AwareDateTime(required=True)
    store_name = fields.String(required=True, allow_none=True, metadata={"example": "人民路店"})
    discount_fen = fields.Integer(required=True, metadata={"example": 2000})
    bonus_points = fields.Integer(required=True, metadata={"example": 0})


class CouponDetail(Coupon):
    """A coupon with its terms, and why it cannot be used at this moment."""

    lines = fields.List(fields.String(), required=True, metadata={"example": ["满 ¥100.00 减 ¥20.00"]})
    description = fields.String(required=True)
    issued_at = fields.AwareDateTime(required=True)
    points_paid = fields.Integer(required=True, metadata={"example": 0})
    unfit = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([one.value for one in Unfit]),
        metadata={"description": "Why it cannot be used now, whatever is bought; null when it can."},
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The same in Chinese.", "example": "本券仅限 周一至周五 使用"},
    )
    redemption = fields.Nested(Redemption, required=True, allow_none=True)


class CouponCode(Schema):
    """The rotating coupon code (动态券码) of this minute."""

    code = fields.String(required=True, metadata={"example": "660000000000000000"})
    display = fields.String(required=True, metadata={"example": "6600 0000 0000 0000 00"})
    valid_until = fields.AwareDateTime(required=True, metadata={"description": "Ask again then."})
    qr_svg = fields.String(required=True)
