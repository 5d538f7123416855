"""Missions as the member sees them, and the answer to a claim."""

from marshmallow import Schema, fields, validate

from loyalty.missions.rules.standing import StepState
from loyalty.missions.rules.terms import Measure, MissionEvent, Period
from miniprogram_api.v1.schemas.base import Input

_PERIOD = {"description": "A business date, a week or total.", "example": "2026-W11"}


class MissionStep(Schema):
    """One step of a mission; its target names it."""

    step = fields.Integer(required=True, metadata={"description": "The target that names the step.", "example": 5})
    progress = fields.String(required=True, metadata={"example": "3/5 天"})
    reward = fields.String(required=True, metadata={"example": "50 积分"})
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in StepState]))
    refusal = fields.String(
        required=True, allow_none=True, metadata={"description": "Why it was reached and did not come by itself."}
    )
    paid_at = fields.AwareDateTime(required=True, allow_none=True)


class Mission(Schema):
    """A mission (任务) in one of its periods."""

    mission_id = fields.Integer(required=True)
    period = fields.String(required=True, metadata=_PERIOD)
    title = fields.String(required=True, metadata={"example": "本周签到 5 天"})
    description = fields.String(required=True)
    sentence = fields.String(required=True, metadata={"description": "The whole mission in one sentence."})
    event = fields.String(required=True, validate=validate.OneOf([event.value for event in MissionEvent]))
    measure = fields.String(required=True, validate=validate.OneOf([measure.value for measure in Measure]))
    repeats = fields.String(required=True, validate=validate.OneOf([period.value for period in Period]))
    progress = fields.Integer(required=True, metadata={"description": "In times, days or fen."})
    steps = fields.List(fields.Nested(MissionStep), required=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    is_running = fields.Boolean(required=True, metadata={"description": "Whether what happens now still counts."})
    is_for_member = fields.Boolean(required=True, metadata={"description": "Whether the member's tier takes part."})
    claimable_until = fields.Date(
        required=True, allow_none=True, metadata={"description": "The last day to claim what was reached."}
    )


class Missions(Schema):
    """What the member can do now; where a reward waits comes first."""

    items = fields.List(fields.Nested(Mission), required=True)


class RewardClaim(Input):
    """Which step of which period."""

    step = fields.Integer(required=True, validate=validate.Range(min=1, max=10_000_000_000), metadata={"example": 5})
    period = fields.String(
        required=True, validate=validate.Regexp(r"^[0-9A-Za-z-]{1,20}$", error="须为任务列表里的周期"), metadata=_PERIOD
    )


class ClaimedReward(Schema):
    """A reward that was claimed."""

    mission_id = fields.Integer(required=True)
    period = fields.String(required=True, metadata=_PERIOD)
    step = fields.Integer(required=True)
    reward = fields.Dict(keys=fields.String(), required=True, metadata={"example": {"kind": "points", "points": 50}})
    coupon_id = fields.Integer(required=True, allow_none=True)
    paid_at = fields.AwareDateTime(required=True)
