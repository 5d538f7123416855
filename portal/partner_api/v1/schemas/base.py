"""What all schemas share."""

from typing import Any

from marshmallow import Schema, fields, validate

IDEMPOTENCY_KEY = validate.Regexp(r"^[A-Za-z0-9_-]{8,64}$", error="须为8至64位字母、数字、下划线或短横线")
NUMBER = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", error="须为1至64位字母、数字、点、下划线或短横线")
STORE_CODE = validate.Regexp(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", error="门店编码格式不正确")
PHONE = validate.Length(min=5, max=24)
POINTS_MAX = 10**12
AMOUNT_FEN_MAX = 10_000_000_000
ID_MAX = 2**63 - 1
COUPONS_MAX = 50


def coupon_ids(*, least: int, most: int = COUPONS_MAX, required: bool = False) -> "fields.List[Any]":
    """Return a field that names coupons."""
    one = fields.Integer(strict=True, validate=validate.Range(min=1, max=ID_MAX), metadata={"example": 1001})
    given = {"required": True} if required else {"load_default": None}
    return fields.List(one, validate=validate.Length(min=least, max=most), **given)


class Input(Schema):
    """A request; a field that the API does not know is refused, not ignored."""

    class Meta:
        unknown = "raise"


class IdempotencyHeaders(Schema):
    """The key under which a repeat of a request gets the first answer, for ever."""

    class Meta:
        unknown = "exclude"

    idempotency_key = fields.String(
        data_key="Idempotency-Key", required=True, validate=IDEMPOTENCY_KEY, metadata={"example": "4f1c2a9e7b"}
    )


class AtStore(Input):
    """A request in the name of one of the key's stores."""

    store_code = fields.String(required=True, validate=STORE_CODE, metadata={"example": "SH001"})


class AboutMember(AtStore):
    """A request about a member, named by a reference of this key or by a phone: by exactly one of them."""

    member_ref = fields.String(load_default=None, validate=validate.Length(min=1, max=64))
    phone = fields.String(load_default=None, validate=PHONE, metadata={"example": "13800000001"})


class ErrorBody(Schema):
    """What went wrong: a code for programs, a message for people."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    details = fields.Dict(keys=fields.String(), required=True)


class ErrorAnswer(Schema):
    """Every refusal of the API."""

    error = fields.Nested(ErrorBody, required=True)
    request_id = fields.String(required=True)
