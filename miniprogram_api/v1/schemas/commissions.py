"""What friends' purchases did not earn."""

from marshmallow import Schema, fields, validate

from loyalty.commissions.rules.states import Why


class MissedCommission(Schema):
    """A friend's purchase that earned nothing, without who the friend is."""

    id = fields.Integer(required=True)
    level = fields.Integer(required=True, metadata={"description": "1: a friend; 2: a friend's friend."})
    reason = fields.String(required=True, validate=validate.OneOf([why.value for why in Why]))
    sentence = fields.String(
        required=True, metadata={"example": "好友消费佣金：2026年3月10日的订单没有佣金，已达当日上限"}
    )
    paid_at = fields.AwareDateTime(required=True)


class MissedCommissions(Schema):
    """A page of purchases that earned nothing, the latest first."""

    items = fields.List(fields.Nested(MissedCommission), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
