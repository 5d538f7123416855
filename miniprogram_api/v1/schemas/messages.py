"""The inbox and the permissions to send."""

from marshmallow import Schema, fields, validate

from miniprogram_api.v1.schemas.base import Input


class InboxMessage(Schema):
    """One message of the inbox (站内消息)."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    read_at = fields.AwareDateTime(required=True, allow_none=True)
    kind = fields.String(required=True, metadata={"description": "campaign is marketing: offer to unsubscribe"})
    page = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The page that a tap opens; report its parameter click as a click"},
    )


class Inbox(Schema):
    """A page of the inbox, newest first."""

    items = fields.List(fields.Nested(InboxMessage), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    unread = fields.Integer(required=True)


class MessageClick(Input):
    """The parameter ``click`` of a page that was opened from a message."""

    token = fields.String(required=True, validate=validate.Regexp(r"[0-9a-f]{32}\Z"), metadata={"example": "0f" * 16})


class SubscriptionTemplate(Schema):
    """A template to ask the member's permission for."""

    template_id = fields.String(required=True)
    title = fields.String(required=True)
    kind = fields.String(required=True)


class SubscriptionTemplates(Schema):
    """All templates of this mini program."""

    items = fields.List(fields.Nested(SubscriptionTemplate), required=True)


class GrantAnswer(Input):
    """What the member tapped for one template."""

    template_id = fields.String(required=True, validate=validate.Length(min=1, max=64), metadata={"example": "tmpl"})
    answer = fields.String(required=True, validate=validate.OneOf(("accept", "reject", "ban", "filter")))


class GrantReport(Input):
    """What ``wx.requestSubscribeMessage`` answered: three templates at most."""

    answers = fields.List(fields.Nested(GrantAnswer), required=True, validate=validate.Length(min=1, max=3))


class GrantBalance(Schema):
    """How many messages of a template may still be sent."""

    template_id = fields.String(required=True)
    balance = fields.Integer(required=True)


class GrantBalances(Schema):
    """The balances after the report."""

    items = fields.List(fields.Nested(GrantBalance), required=True)
