"""Check-ins: the calendar, what tomorrow would bring, and the answer to a tap."""

from marshmallow import Schema, fields, validate

from miniprogram_api.v1.schemas.base import Input


class MonthQuery(Schema):
    """Which month; the present one when none is named."""

    month = fields.String(
        load_default=None,
        validate=validate.Regexp(r"^20[0-9]{2}-(0[1-9]|1[0-2])$", error="须为 2026-03 这样的月份"),
        metadata={"example": "2026-03"},
    )


class CheckInRequest(Input):
    """Where the member is, when they are in a store."""

    store_code = fields.String(load_default=None, validate=validate.Length(min=1, max=32), metadata={"example": None})


class CheckIn(Schema):
    """Today's check-in and what it brought."""

    checked_in_on = fields.Date(required=True)
    streak = fields.Integer(required=True, metadata={"description": "Days in a row, today included.", "example": 1})
    points = fields.Integer(required=True, metadata={"description": "In all, bonus included.", "example": 10})
    bonus_points = fields.Integer(required=True, metadata={"example": 0})
    balance = fields.Integer(required=True, metadata={"example": 10})
    reason = fields.String(required=True)


class DayDone(Schema):
    """A day of the month on which the member checked in."""

    on = fields.Date(required=True)
    points = fields.Integer(required=True)


class DayAhead(Schema):
    """What a check-in on a coming day would bring, if no day is missed before it."""

    on = fields.Date(required=True)
    streak = fields.Integer(required=True)
    points = fields.Integer(required=True)
    bonus_points = fields.Integer(required=True)


class Calendar(Schema):
    """A month of check-ins, and the days ahead computed by the rule that pays."""

    month = fields.String(required=True)
    today = fields.Date(required=True)
    checked_in_today = fields.Boolean(required=True)
    streak = fields.Integer(required=True)
    days = fields.List(fields.Nested(DayDone), required=True)
    preview = fields.List(fields.Nested(DayAhead), required=True)
