"""The statement of the key's stores."""

from marshmallow import Schema, fields, validate

from portal.partner_api.v1.schemas.base import STORE_CODE


class StatementQuery(Schema):
    """Which day, which store, which page."""

    on = fields.Date(required=True, metadata={"description": "Business date of the booking.", "example": "2026-03-10"})
    store_code = fields.String(load_default=None, validate=STORE_CODE, metadata={"description": "All when left out."})
    cursor = fields.String(load_default=None, validate=validate.Length(max=64))
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))


class StatementEntry(Schema):
    """One booking: what it was, how many points, and for which order, refund or hold of this key."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"example": "earn"})
    points = fields.Integer(required=True, metadata={"description": "Signed.", "example": 36})
    store_code = fields.String(required=True, metadata={"example": "SH001"})
    order_number = fields.String(required=True, allow_none=True)
    refund_number = fields.String(required=True, allow_none=True)
    hold_reference = fields.String(required=True, allow_none=True)
    occurred_at = fields.AwareDateTime(required=True)
    recorded_at = fields.AwareDateTime(required=True)


class Statement(Schema):
    """A page of the bookings of a day, oldest first."""

    items = fields.List(fields.Nested(StatementEntry), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
