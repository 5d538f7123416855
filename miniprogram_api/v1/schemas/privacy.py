"""Consents, export, and closing the account."""

from marshmallow import Schema, fields, validate

from miniprogram_api.v1.schemas.base import Input


class Consent(Schema):
    """One consent and, perhaps, its withdrawal."""

    purpose = fields.String(required=True)
    version = fields.String(required=True)
    given_at = fields.AwareDateTime(required=True)
    withdrawn_at = fields.AwareDateTime(required=True, allow_none=True)


class Consents(Schema):
    """The member's consents, newest first."""

    items = fields.List(fields.Nested(Consent), required=True)


class ConsentAnswer(Input):
    """Whether the member agrees, and to which version."""

    is_given = fields.Boolean(required=True, metadata={"example": False})
    version = fields.String(load_default="", validate=validate.Length(max=32), metadata={"example": "2026-01"})


class NoticeWish(Input):
    """Whether the member wants a kind of notice."""

    is_wanted = fields.Boolean(required=True, metadata={"example": False})


class Closing(Schema):
    """When the account will be erased; it can be taken back until then."""

    closes_at = fields.AwareDateTime(required=True)
