"""Earnings as the member sees them, and what may be withdrawn."""

from marshmallow import Schema, fields, validate

from loyalty.earnings.rules import EarningsKind
from miniprogram_api.v1.schemas.base import CursorQuery

KINDS = [kind.value for kind in EarningsKind]


class Obstacle(Schema):
    """Why something cannot be done now."""

    code = fields.String(required=True, metadata={"example": "payout_too_small"})
    message = fields.String(required=True, metadata={"example": "满 ¥1.00 可提现"})


class WithdrawalTerms(Schema):
    """What may be withdrawn now."""

    minimum_fen = fields.Integer(required=True, allow_none=True, metadata={"example": 100})
    left_today_fen = fields.Integer(
        required=True, metadata={"description": "What the limits of the day leave.", "example": 50000}
    )
    most_fen = fields.Integer(required=True, metadata={"description": "The most to ask for at once.", "example": 1234})
    points_per_yuan = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Points for a yuan; null: not offered."}
    )
    name_required_from_fen = fields.Integer(
        required=True,
        metadata={
            "description": "What arrives from this on needs a payee (PUT /payee), as does whatever tax is withheld of.",
            "example": 200000,
        },
    )
    is_queue_paused = fields.Boolean(
        required=True, metadata={"description": "Nothing is sent for now; what is asked for waits."}
    )
    obstacle = fields.Nested(
        Obstacle, required=True, allow_none=True, metadata={"description": "Why nothing can be withdrawn."}
    )
    money_obstacle = fields.Nested(
        Obstacle, required=True, allow_none=True, metadata={"description": "Why no money; points may still be had."}
    )


class Earnings(Schema):
    """The member's money account (收益账户) in fen at this moment."""

    pending_fen = fields.Integer(required=True, metadata={"description": "Earned, not settled yet.", "example": 500})
    available_fen = fields.Integer(required=True, metadata={"description": "Can be withdrawn.", "example": 1234})
    owed_fen = fields.Integer(
        required=True, metadata={"description": "Taken off what is settled next, after refunds.", "example": 0}
    )
    withdrawal = fields.Nested(WithdrawalTerms, required=True)


class EarningsQuery(CursorQuery):
    """Which lines: of one kind, from where on."""

    kind = fields.String(load_default=None, validate=validate.OneOf(KINDS), metadata={"example": "accrue"})


class EarningsLine(Schema):
    """One line of the statement (收益明细), with its reason."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "withdraw"})
    amount_fen = fields.Integer(
        required=True, metadata={"description": "Never negative; the kind says which way.", "example": 1000}
    )
    pending_after_fen = fields.Integer(required=True, metadata={"example": 500})
    available_after_fen = fields.Integer(required=True, metadata={"example": 234})
    owed_after_fen = fields.Integer(required=True, metadata={"example": 0})
    reason = fields.String(required=True, metadata={"example": "提现"})
    payout_id = fields.Integer(required=True, allow_none=True, metadata={"description": "The payout it belongs to."})
    occurred_at = fields.AwareDateTime(required=True)
    recorded_at = fields.AwareDateTime(required=True)


class EarningsLines(Schema):
    """A page of the statement, newest first."""

    items = fields.List(fields.Nested(EarningsLine), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
