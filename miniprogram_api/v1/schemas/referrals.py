"""Invitations: the programme, what to share, what came of it, and opening what somebody shared."""

from marshmallow import Schema, fields, validate

from loyalty.kernel.checking import ID_MAX
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import ReferralState, RewardState
from miniprogram_api.v1.schemas.base import Input

CHANNELS = [channel.value for channel in Channel]


class ReferralProgramme(Schema):
    """The programme in force in words."""

    title = fields.String(required=True, metadata={"example": "邀请有礼"})
    description = fields.String(required=True)
    share_title = fields.String(required=True, metadata={"description": "What the friend sees on the card."})
    sentences = fields.List(
        fields.String(required=True), required=True, metadata={"description": "What has to be shown beside."}
    )
    channels = fields.List(
        fields.String(validate=validate.OneOf(CHANNELS)),
        required=True,
        metadata={"description": "By which of them can be shared now."},
    )


class ReferralTotals(Schema):
    """What the member's invitations came to."""

    friends = fields.Integer(required=True, metadata={"example": 3})
    rewarded = fields.Integer(required=True, metadata={"example": 2})
    points = fields.Integer(required=True, metadata={"example": 200})
    coupons = fields.Integer(required=True)


class InvitePage(Schema):
    """All that the invite page shows above the list of friends."""

    programme = fields.Nested(ReferralProgramme, required=True, allow_none=True)
    totals = fields.Nested(ReferralTotals, required=True)


class Referral(Schema):
    """One friend, without a name: where the invitation stands, and what it paid the member or why not."""

    id = fields.Integer(required=True)
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in ReferralState]))
    sentence = fields.String(required=True, metadata={"example": "奖励已发放"})
    reward = fields.String(required=True, allow_none=True, metadata={"example": "得 100 积分"})
    came_at = fields.AwareDateTime(required=True)
    rewarded_at = fields.AwareDateTime(required=True, allow_none=True)


class Referrals(Schema):
    """A page of friends, the newest first."""

    items = fields.List(fields.Nested(Referral), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OpeningReward(Schema):
    """What one opening paid the member, without who opened; only some programmes pay for openings."""

    id = fields.Integer(required=True)
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    state = fields.String(required=True, validate=validate.OneOf([state.value for state in RewardState]))
    points = fields.Integer(required=True)
    reward = fields.String(required=True, metadata={"example": "没有奖励：已达每天打开奖励上限"})
    opened_at = fields.AwareDateTime(required=True)


class OpeningRewards(Schema):
    """A page of openings that counted, the newest first."""

    items = fields.List(fields.Nested(OpeningReward), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def _mission_id() -> fields.Integer:
    return fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=ID_MAX),
        metadata={"description": "The mission for which friends are invited, `invited_friend` and running."},
    )


class ShareRequest(Input):
    """How the member wants to share, and for which mission if for one."""

    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS), metadata={"example": "mini_program"})
    mission_id = _mission_id()


class PosterQuery(Input):
    """For which mission the poster invites, if for one."""

    mission_id = _mission_id()


class Share(Schema):
    """What the member may share; the same one while it lives."""

    token = fields.String(required=True, metadata={"example": "7YvQm2hKx9RtWc4bNpLd"})
    scene = fields.String(required=True, metadata={"description": "What a mini-program code carries."})
    path = fields.String(required=True, metadata={"description": "Where a shared card leads to."})
    link = fields.String(required=True, metadata={"description": "The same as a page in WeChat's browser."})
    expires_at = fields.AwareDateTime(required=True, allow_none=True)


class OpeningRequest(Input):
    """What the mini program was opened with."""

    share = fields.String(
        required=True,
        validate=validate.Length(min=1, max=64),
        metadata={
            "description": "The token or scene of a share, or a typed code.",
            "example": "r=7YvQm2hKx9RtWc4bNpLd",
        },
    )


class Opening(Schema):
    """What to tell who opened a share."""

    counted = fields.Boolean(required=True)
    notice = fields.String(required=True, allow_none=True, metadata={"example": "您已经是会员了"})
    to_the_friend = fields.String(
        required=True, allow_none=True, metadata={"description": "What a new member gets; null while there is none."}
    )
