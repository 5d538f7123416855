"""Making missed days up: what can be, with how many cards, and the answer to a tap."""

from marshmallow import Schema, fields

from miniprogram_api.v1.schemas.base import Input


class MakeUps(Schema):
    """What the member can make up today (补签)."""

    is_offered = fields.Boolean(required=True)
    cards = fields.Integer(required=True, metadata={"description": "Make-up cards (补签卡) left.", "example": 2})
    left_this_month = fields.Integer(required=True, metadata={"example": 3})
    days = fields.List(fields.Date(), required=True, metadata={"description": "Missed days that may be made up."})
    card_price = fields.Integer(
        required=True, allow_none=True, metadata={"description": "In points; null when none are sold.", "example": 50}
    )


class MakeUpRequest(Input):
    """Which day."""

    on = fields.Date(required=True, metadata={"example": "2026-03-09"})


class MadeUp(Schema):
    """A day made up; it pays nothing, and the next check-in pays by this streak."""

    on = fields.Date(required=True)
    streak = fields.Integer(required=True, metadata={"description": "Days in a row until today.", "example": 5})


class CardBought(Schema):
    """A card bought for points."""

    points_paid = fields.Integer(required=True, metadata={"example": 50})
