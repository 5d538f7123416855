"""The member, sessions and binding."""

from marshmallow import Schema, fields, validate

from miniprogram_api.v1.schemas.base import Input

APPID = validate.Regexp(r"^wx[0-9a-z]{16}$", error="appid 格式不正确")
CODE = validate.Length(min=1, max=256)
PURPOSES = ("service_terms", "privacy", "marketing")


class Tier(Schema):
    """The member's level and how far the next one is."""

    name = fields.String(required=True, metadata={"example": "银卡会员"})
    level = fields.Integer(required=True)
    growth = fields.Integer(required=True)
    next_name = fields.String(required=True, allow_none=True)
    next_threshold = fields.Integer(required=True, allow_none=True)


class Member(Schema):
    """The member, personal fields masked."""

    number = fields.String(required=True, metadata={"example": "1000000017"})
    status = fields.String(required=True, metadata={"example": "active"})
    phone_masked = fields.String(required=True, allow_none=True, metadata={"example": "138****0001"})
    nickname = fields.String(required=True, allow_none=True)
    is_birthday_set = fields.Boolean(required=True)
    enrolled_at = fields.AwareDateTime(required=True)
    tier = fields.Nested(Tier, required=True)
    points_available = fields.Integer(required=True, metadata={"example": 120})
    usable_coupons = fields.Integer(
        required=True, metadata={"description": "That can be used now or later.", "example": 2}
    )
    unread = fields.Integer(required=True, metadata={"description": "Inbox messages not read yet."})


class PrivacyText(Schema):
    """A text that the member can consent to."""

    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))
    version = fields.String(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    is_required = fields.Boolean(required=True)


class Me(Schema):
    """Who is calling: a visitor, or a member."""

    is_member = fields.Boolean(required=True)
    member = fields.Nested(Member, required=True, allow_none=True)


class PrivacyTexts(Schema):
    """The texts in force."""

    items = fields.List(fields.Nested(PrivacyText), required=True)
    points_expiry = fields.String(required=True, metadata={"example": "积分自获得之日起12个月内有效，到期日24点失效"})


class ProfileChange(Input):
    """What the member tells of themselves; a field left out stays."""

    nickname = fields.String(validate=validate.Length(min=1, max=32), metadata={"example": "小明"})
    birthday = fields.Date(metadata={"example": "1990-05-17"})


class SessionRequest(Input):
    """The code of ``wx.login``: single use, five minutes."""

    appid = fields.String(required=True, validate=APPID, metadata={"example": "wx5a0db7b000000001"})
    code = fields.String(required=True, validate=CODE, metadata={"example": "0a3f"})


class Session(Schema):
    """A session; send the token as ``Authorization: Bearer …``."""

    token = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    is_member = fields.Boolean(required=True)


class ConsentGiven(Input):
    """One consent to one version of one text."""

    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES), metadata={"example": "service_terms"})
    version = fields.String(required=True, validate=validate.Length(min=1, max=32), metadata={"example": "2026-01"})


class PhoneRequest(Input):
    """The code of the phone button: single use, five minutes."""

    code = fields.String(required=True, validate=CODE, metadata={"example": "0b7c"})
    consents = fields.List(fields.Nested(ConsentGiven), load_default=list, validate=validate.Length(max=8))
    store_code = fields.String(load_default=None, validate=validate.Length(min=1, max=32), metadata={"example": None})
    referral_code = fields.String(load_default="", validate=validate.Length(max=32), metadata={"example": ""})


class SmsCodeRequest(Input):
    """Where to send a code to."""

    phone = fields.String(required=True, validate=validate.Length(min=5, max=24), metadata={"example": "13800000001"})


class SmsBindRequest(SmsCodeRequest):
    """A phone with the code that was sent to it, and what the person agrees to."""

    sms_code = fields.String(
        required=True, validate=validate.Regexp(r"^[0-9]{6}$", error="验证码为6位数字"), metadata={"example": "123456"}
    )
    consents = fields.List(fields.Nested(ConsentGiven), load_default=list, validate=validate.Length(max=8))
    store_code = fields.String(load_default=None, validate=validate.Length(min=1, max=32), metadata={"example": None})
    referral_code = fields.String(load_default="", validate=validate.Length(max=32), metadata={"example": ""})


class PhoneChangeRequest(SmsCodeRequest):
    """A phone with the code that was sent to it."""

    sms_code = fields.String(
        required=True, validate=validate.Regexp(r"^[0-9]{6}$", error="验证码为6位数字"), metadata={"example": "123456"}
    )


class SecondProofRequest(Input):
    """The code that was sent to the WeChat which had this phone before."""

    proof_code = fields.String(
        required=True, validate=validate.Regexp(r"^[0-9]{6}$", error="验证码为6位数字"), metadata={"example": "123456"}
    )


class Binding(Schema):
    """What binding did."""

    outcome = fields.String(required=True, metadata={"example": "enrolled"})
    message = fields.String(required=True, metadata={"example": "入会成功，欢迎加入"})
    review_id = fields.Integer(required=True, allow_none=True, metadata={"description": "A second proof is owed."})
    proposal_id = fields.Integer(required=True, allow_none=True, metadata={"description": "A merge is offered."})


class MergeProof(Schema):
    """Whether the phone belongs to one of the two memberships."""

    is_one_of_both = fields.Boolean(required=True)


class MemberCode(Schema):
    """The rotating member code (会员码), for the till."""

    code = fields.String(required=True, metadata={"example": "681234567890123456"})
    display = fields.String(required=True, metadata={"example": "6812 3456 7890 1234 56"})
    valid_until = fields.AwareDateTime(required=True)
    qr_svg = fields.String(required=True)
