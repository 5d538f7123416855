"""Members as a partner sees them: named for a quarter of an hour, and masked."""

from marshmallow import Schema, fields, validate

from portal.partner_api.v1.schemas.base import PHONE, AtStore


class MemberRefRequest(AtStore):
    """Whom to name: the member code that the member shows, or their phone; exactly one of them."""

    member_code = fields.String(
        load_default=None, validate=validate.Length(min=1, max=32), metadata={"example": "681234567890123456"}
    )
    phone = fields.String(load_default=None, validate=PHONE, metadata={"example": "13800000001"})


class EnrolmentRequest(AtStore):
    """The phone of a person who wants to become a member at the till."""

    phone = fields.String(required=True, validate=PHONE, metadata={"example": "13800000001"})


class MemberRef(Schema):
    """A reference to a member, good for this key alone and for fifteen minutes."""

    member_ref = fields.String(required=True, metadata={"example": "p3VtdmR0c2ZxYmFzZTY0dXJs"})
    expires_at = fields.AwareDateTime(required=True)


class Tier(Schema):
    """The member's level."""

    name = fields.String(required=True, metadata={"example": "银卡会员"})
    level = fields.Integer(required=True)


class Member(Schema):
    """A member, masked; after an enrolment by phone what they have is not shown."""

    status = fields.String(required=True, metadata={"example": "active"})
    name_masked = fields.String(required=True, allow_none=True, metadata={"example": "小*"})
    phone_masked = fields.String(required=True, allow_none=True, metadata={"example": "138****0001"})
    tier = fields.Nested(Tier, required=True)
    points_available = fields.Integer(required=True, metadata={"example": 120})
    can_spend = fields.Boolean(
        required=True, metadata={"description": "False until the person has confirmed the membership."}
    )
