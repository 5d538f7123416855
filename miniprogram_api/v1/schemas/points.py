"""Points as the member sees them."""

from marshmallow import Schema, fields


class SoonestExpiry(Schema):
    """The next points to lapse."""

    expires_at = fields.AwareDateTime(required=True)
    points = fields.Integer(required=True)


class Points(Schema):
    """The member's points account (积分账户) at this moment."""

    balance = fields.Integer(required=True, metadata={"description": "All points on the books.", "example": 120})
    available = fields.Integer(required=True, metadata={"description": "What can be spent now.", "example": 110})
    pending = fields.Integer(required=True, metadata={"description": "Credited, not yet spendable.", "example": 10})
    held = fields.Integer(required=True)
    debt = fields.Integer(required=True)
    soonest_expiry = fields.Nested(SoonestExpiry, required=True, allow_none=True)


class Entry(Schema):
    """One line of the statement (积分流水), with its reason."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"example": "earn"})
    points = fields.Integer(required=True, metadata={"description": "Signed.", "example": 10})
    balance_after = fields.Integer(required=True, metadata={"example": 120})
    occurred_at = fields.AwareDateTime(required=True)
    reason = fields.String(required=True, metadata={"example": "连续签到第1天，签到奖励10积分"})
    explanation = fields.Dict(keys=fields.String(), required=True)


class Entries(Schema):
    """A page of the statement, newest first."""

    items = fields.List(fields.Nested(Entry), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
