"""Points as money (积分抵现)."""

from marshmallow import Schema, fields, validate

from portal.partner_api.v1.schemas.base import AMOUNT_FEN_MAX, NUMBER, POINTS_MAX, AboutMember

AMOUNT_FEN = validate.Range(min=1, max=AMOUNT_FEN_MAX)


class QuoteRequest(AboutMember):
    """An order that points may pay a part of."""

    amount_fen = fields.Integer(required=True, strict=True, validate=AMOUNT_FEN, metadata={"example": 10000})


class Quote(Schema):
    """The most that may be paid by points."""

    max_points = fields.Integer(required=True, metadata={"example": 1000})
    max_amount_fen = fields.Integer(required=True, metadata={"example": 1000})
    points_step = fields.Integer(required=True, metadata={"example": 100})
    points_per_yuan = fields.Integer(required=True, metadata={"example": 100})


class HoldRequest(AboutMember):
    """Points to set aside for an order, under a reference of the till's own."""

    reference = fields.String(required=True, validate=NUMBER, metadata={"example": "POS1-H-0001"})
    points = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=POINTS_MAX), metadata={"example": 500}
    )
    amount_fen = fields.Integer(
        required=True,
        strict=True,
        validate=AMOUNT_FEN,
        metadata={"example": 10000, "description": "What the order costs."},
    )


class Hold(Schema):
    """Points set aside until they pay, are let go, or their time runs out."""

    reference = fields.String(required=True)
    points = fields.Integer(required=True, metadata={"example": 500})
    amount_fen = fields.Integer(required=True, metadata={"description": "What they are worth.", "example": 500})
    expires_at = fields.AwareDateTime(required=True)
