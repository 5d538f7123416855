"""Payouts as the member sees them, what they ask for, and who is paid."""

from marshmallow import Schema, fields, validate

from loyalty.earnings.rules import AMOUNT_FEN_MAX
from loyalty.payouts.rules.states import Destination, PayoutState
from miniprogram_api.v1.schemas.base import Input

_ID_NUMBER = {"description": "18 characters; kept sealed, never shown again.", "example": "11010519491231002X"}


class WithdrawalRequest(Input):
    """How much, and in what."""

    amount_fen = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=AMOUNT_FEN_MAX), metadata={"example": 1000}
    )
    destination = fields.String(
        load_default=Destination.WECHAT.value,
        validate=validate.OneOf([one.value for one in Destination]),
        metadata={"example": "wechat"},
    )
    device_id = fields.String(
        load_default=None,
        validate=validate.Length(min=1, max=64),
        metadata={"description": "What the mini program keeps on this phone, for risk.", "example": None},
    )


class Confirmation(Schema):
    """The arguments of ``wx.requestMerchantTransfer``, while the payout waits for its owner."""

    mch_id = fields.String(required=True, metadata={"description": "mchId", "example": "1900000001"})
    app_id = fields.String(required=True, metadata={"description": "appId"})
    package = fields.String(required=True)


class Payout(Schema):
    """A withdrawal (提现) and where its money is."""

    id = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in PayoutState]))
    told = fields.String(required=True, metadata={"example": "请在 24 小时内确认收款"})
    destination = fields.String(required=True, validate=validate.OneOf([one.value for one in Destination]))
    gross_fen = fields.Integer(required=True, metadata={"example": 1000})
    tax_fen = fields.Integer(required=True, metadata={"description": "Withheld of it.", "example": 0})
    net_fen = fields.Integer(required=True, metadata={"example": 1000})
    points = fields.Integer(required=True, allow_none=True)
    is_cancellable = fields.Boolean(required=True)
    requested_at = fields.AwareDateTime(required=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)


class PayoutDetail(Payout):
    """A withdrawal with what its owner needs to confirm it in this mini program."""

    confirmation = fields.Nested(
        Confirmation, required=True, allow_none=True, metadata={"description": "Only while it waits for the owner."}
    )


class Payouts(Schema):
    """A page of withdrawals, newest first."""

    items = fields.List(fields.Nested(Payout), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ConsentText(Schema):
    """The text that a consent of its own is asked for."""

    version = fields.String(required=True, metadata={"example": "1.0"})
    title = fields.String(required=True)
    body = fields.String(required=True)


class PayeeState(Schema):
    """What is known of who is paid (收款人实名信息)."""

    name = fields.String(required=True, allow_none=True, metadata={"description": "Masked.", "example": "张*"})
    text = fields.Nested(ConsentText, required=True)


class PayeeRequest(Input):
    """Name and ID number, with the consent to their use."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=50), metadata={"example": "张三"})
    id_number = fields.String(required=True, validate=validate.Length(min=1, max=32), metadata=_ID_NUMBER)
    consent_version = fields.String(
        required=True,
        validate=validate.Length(min=1, max=32),
        metadata={"description": "The version of the text that the member has read and agreed to.", "example": "1.0"},
    )
