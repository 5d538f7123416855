"""What all schemas share."""

from typing import Any

from marshmallow import Schema, fields, validate

IDEMPOTENCY_KEY = validate.Regexp(r"^[A-Za-z0-9_-]{8,64}$", error="须为8至64位字母、数字、下划线或短横线")
_KEY: dict[str, Any] = {
    "data_key": "Idempotency-Key",
    "validate": IDEMPOTENCY_KEY,
    "metadata": {"description": "Same key, same request: the first answer again, for ever.", "example": "4f1c2a9e7b"},
}


class Input(Schema):
    """A request; a field that the API does not know is refused, not ignored."""

    class Meta:
        unknown = "raise"


class IdempotencyHeaders(Schema):
    """The key under which a repeat of a request gets the first answer."""

    class Meta:
        unknown = "exclude"

    idempotency_key = fields.String(load_default=None, **_KEY)


class RequiredIdempotencyHeaders(IdempotencyHeaders):
    """The key that a request must carry, since nothing else tells a repeat from a second wish."""

    idempotency_key = fields.String(required=True, **_KEY)


class DeviceHeaders(Schema):
    """What the mini program keeps on a phone, for risk; nobody is refused for leaving it out."""

    class Meta:
        unknown = "exclude"

    device_id = fields.String(
        load_default=None,
        data_key="X-Device-Id",
        metadata={"description": "Random, made once and kept on this phone.", "example": "f3a91c0d5e77"},
    )


class CursorQuery(Schema):
    """Which page of a list."""

    cursor = fields.String(load_default=None, validate=validate.Length(max=64), metadata={"example": "MTI"})
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class ErrorBody(Schema):
    """What went wrong: a code for programs, a message for people."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    details = fields.Dict(keys=fields.String(), required=True)


class ErrorAnswer(Schema):
    """Every refusal of the API."""

    error = fields.Nested(ErrorBody, required=True)
    request_id = fields.String(required=True)
