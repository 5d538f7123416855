"""Campaigns as whoever opens one sees them, and the answer to taking part."""

from marshmallow import Schema, fields


class TakenBefore(Schema):
    """What the member was given the last time."""

    points = fields.Integer(required=True, metadata={"example": 50})
    coupons = fields.Integer(required=True, metadata={"example": 1})
    done_at = fields.AwareDateTime(required=True)


class Campaign(Schema):
    """A campaign (活动) by the entrance that its link or QR code names."""

    campaign_id = fields.Integer(required=True)
    title = fields.String(required=True, metadata={"example": "到店有礼"})
    rules_text = fields.String(required=True, metadata={"example": "活动期间到店扫码，每人一次。"})
    gains = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "What taking part gives; empty for a mere greeting.",
            "example": ["50 积分", "优惠券：十元券"],
        },
    )
    starts_at = fields.AwareDateTime(required=True, allow_none=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    closed = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why nobody can take part now, in Chinese.", "example": "活动已结束"},
    )
    taken = fields.Nested(TakenBefore, required=True, allow_none=True)
    can_take_part = fields.Boolean(
        required=True, metadata={"description": "Whether to offer it; whoever is no member yet binds a phone first."}
    )


class Participation(Schema):
    """What the member got by taking part."""

    campaign_id = fields.Integer(required=True)
    points = fields.Integer(required=True, metadata={"example": 50})
    coupon_ids = fields.List(fields.Integer(), required=True, metadata={"example": [71]})
    message = fields.String(required=True, metadata={"example": "参加成功，已获得 50 积分 和 1 张优惠券"})
