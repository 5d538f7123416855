"""What channels, states and rewards of invitations are called on the console's pages."""

from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import WORDS, ReferralState, RewardState, Side
from loyalty.risk.rules.deciding import BLOCKED, BLOCKLIST, Rule

CHANNEL_NAMES = {
    Channel.OFFICIAL_ACCOUNT: "公众号链接",
    Channel.MINI_PROGRAM: "小程序卡片",
    Channel.POSTER: "海报",
    Channel.CODE: "邀请码",
}
STATE_NAMES = {
    ReferralState.ATTRIBUTED: "待达成",
    ReferralState.HELD: "待审核",
    ReferralState.QUALIFIED: "待发放",
    ReferralState.REWARDED: "已发放",
    ReferralState.LAPSED: "未达成",
    ReferralState.REFUSED: "不予奖励",
    ReferralState.REVERSED: "已收回",
}
STATE_COLOURS = {
    ReferralState.ATTRIBUTED: "blue",
    ReferralState.HELD: "orange",
    ReferralState.QUALIFIED: "yellow",
    ReferralState.REWARDED: "green",
    ReferralState.LAPSED: "secondary",
    ReferralState.REFUSED: "red",
    ReferralState.REVERSED: "red",
}
REWARD_NAMES = {
    RewardState.WAITING: "等待发放",
    RewardState.PAID: "已发放",
    RewardState.MISSED: "未获得",
    RewardState.TAKEN_BACK: "已收回",
}
"""Of openings, which pay points only, so that nothing is kept."""
REWARD_COLOURS = {
    RewardState.WAITING: "yellow",
    RewardState.PAID: "green",
    RewardState.MISSED: "secondary",
    RewardState.TAKEN_BACK: "red",
}
SIDE_NAMES = {Side.REFERRER: "邀请人", Side.REFEREE: "好友", Side.SHARER: "分享者"}


def reason_names(rules: tuple[Rule, ...]) -> dict[str, str]:
    """Return what reasons are called: ours, and the titles of the risk rules that hold."""
    own = {reason.value: words for reason, words in WORDS.items()}
    return own | {rule.name: f"风控：{rule.title}" for rule in rules} | {BLOCKLIST: f"风控：{BLOCKED}"}
