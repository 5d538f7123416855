"""States of a referral (邀请), and why one pays nothing."""

from enum import StrEnum

from loyalty.kernel.errors import NotFound


class ReferralState(StrEnum):
    """Where an invitation stands with its reward."""

    ATTRIBUTED = "attributed"
    """The friend has enrolled; the condition or the time to look at it is not there yet."""
    HELD = "held"
    """Suspicious: somebody looks at it (待审核)."""
    QUALIFIED = "qualified"
    """The rewards are due."""
    REWARDED = "rewarded"
    LAPSED = "lapsed"
    """The condition was not fulfilled in time, as far as is known; who invited whom stays true."""
    REFUSED = "refused"
    REVERSED = "reversed"
    """What was due or paid was taken back."""


UNSEEN = (ReferralState.ATTRIBUTED, ReferralState.LAPSED)
"""States in which the condition need not be fulfilled, nor risk have looked at it yet."""


class Against(StrEnum):
    """Why an invitation pays nothing; a risk rule that fired is kept by its own name instead."""

    SELF = "self"
    CIRCULAR = "circular"
    SAME_PHONE = "same_phone"
    ALREADY_A_MEMBER = "already_a_member"
    OUTSIDE_WINDOW = "outside_window"
    CHANNEL_OFF = "channel_off"
    NO_PROGRAMME = "no_programme"
    BLOCKLISTED = "blocklisted"
    REFERRER_GONE = "referrer_gone"
    REFEREE_GONE = "referee_gone"
    REFUNDED = "refunded"
    REVIEWED = "reviewed"
    """A person reversed it."""


WORDS = {
    Against.SELF: "不能邀请自己",
    Against.CIRCULAR: "双方互相邀请",
    Against.SAME_PHONE: "与邀请人使用同一手机号",
    Against.ALREADY_A_MEMBER: "好友此前已是会员",
    Against.OUTSIDE_WINDOW: "超过邀请有效期后才入会",
    Against.CHANNEL_OFF: "该分享渠道已关闭",
    Against.NO_PROGRAMME: "当时没有邀请活动",
    Against.BLOCKLISTED: "在黑名单中",
    Against.REFERRER_GONE: "邀请人已注销",
    Against.REFEREE_GONE: "好友已注销",
    Against.REFUNDED: "好友的订单已退款",
    Against.REVIEWED: "经人工审核撤销",
}
STATE_WORDS = {
    ReferralState.ATTRIBUTED: "好友已入会，奖励待达成",
    ReferralState.HELD: "奖励审核中",
    ReferralState.QUALIFIED: "奖励发放中",
    ReferralState.REWARDED: "奖励已发放",
    ReferralState.LAPSED: "好友未在规定时间内达成条件",
    ReferralState.REFUSED: "未获得奖励",
    ReferralState.REVERSED: "奖励已收回",
}


class Side(StrEnum):
    """Who of the two is paid."""

    REFERRER = "referrer"
    REFEREE = "referee"
    SHARER = "sharer"
    """For an opening alone, where the operator has taken that upon himself."""


class RewardState(StrEnum):
    """What became of a reward."""

    WAITING = "waiting"
    """For the channel to be on again, or for the end of a block; of openings alone, where no referral waits."""
    PAID = "paid"
    MISSED = "missed"
    TAKEN_BACK = "taken_back"
    KEPT = "kept"
    """Used before it could be taken back."""


class ReferralNotFound(NotFound):
    """No referral has this id."""

    code = "referral_not_found"
    message = "没有找到这条邀请记录"


def sentence(state: ReferralState, reason: str | None) -> str:
    """Say in Chinese where an invitation stands and why; rules of risk are not told to members by name."""
    if reason is None:
        return STATE_WORDS[state]
    why = WORDS[Against(reason)] if reason in list(Against) else "未通过安全校验"
    return f"{STATE_WORDS[state]}：{why}"
