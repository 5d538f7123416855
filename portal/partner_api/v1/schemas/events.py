"""Custom events and batches."""

from marshmallow import Schema, fields, validate

from portal.partner_api.v1.schemas.base import NUMBER, AboutMember, ErrorBody, Input
from portal.partner_api.v1.schemas.instants import Instant

BATCH_MAX = 1000


class EventRequest(AboutMember):
    """Something a member did that earning rules may pay: a review, or a kind of the operator's own."""

    event_id = fields.String(required=True, validate=NUMBER, metadata={"example": "EV-0001"})
    kind = fields.String(
        required=True,
        validate=validate.Regexp(r"^[a-z][a-z0-9_.]{0,39}$", error="须以小写字母开头，只用小写字母、数字、_ 和 ."),
        metadata={"example": "workshop_attended"},
    )
    occurred_at = Instant(required=True, metadata={"example": "2026-03-10T10:00:00+08:00"})


class Event(Schema):
    """The event was taken; its points come a moment later."""

    event_id = fields.String(required=True)


class BatchRequest(Input):
    """Up to 1,000 purchases, refunds and events, each as it would be sent alone, with its ``type``."""

    events = fields.List(
        fields.Dict(keys=fields.String()),
        required=True,
        validate=validate.Length(min=1, max=BATCH_MAX),
        metadata={
            "description": "`type` is `purchase`, `refund` or `event`; the other fields are those of that request."
        },
    )


class BatchResult(Schema):
    """What one of them came to: the status and body that it would have got alone."""

    status = fields.Integer(required=True, metadata={"example": 201})
    body = fields.Dict(required=True, allow_none=True)
    error = fields.Nested(ErrorBody, required=True, allow_none=True)


class Batch(Schema):
    """The results, in the order of the events."""

    results = fields.List(fields.Nested(BatchResult), required=True)
    succeeded = fields.Integer(required=True)
    failed = fields.Integer(required=True)
