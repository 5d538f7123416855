"""What a programme says to members (活动规则) in sentences: when it pays, whom, what, and how often at most.

They promise nothing for passing a link on, which WeChat forbids to pay for.
"""

from collections.abc import Iterator, Mapping

from loyalty.kernel.wording import plain_yuan
from loyalty.referrals.rules.openings import NotCounted
from loyalty.referrals.rules.programme import Programme, Reward
from loyalty.referrals.rules.states import WORDS, Against, RewardState, Side

Titles = Mapping[int, str]
"""What coupon templates are called."""
MISSED_WORDS = {
    "referrer_day": "已达每天奖励人数上限",
    "referrer_month": "已达每月奖励人数上限",
    "referrer_total": "已达累计奖励人数上限",
    "sharer_day": "已达每天打开奖励上限",
    "sharer_total": "已达累计打开奖励上限",
}
COUPON_MISSED = "优惠券未能发放"
NOT_SAFE = "未通过安全校验"
"""What members are told of rules of risk, which are not named to them."""
NOTICES = {
    NotCounted.EXPIRED: "这个邀请已过期，您仍可以直接成为会员",
    NotCounted.CHANNEL_OFF: "这个邀请暂时无效，您仍可以直接成为会员",
    NotCounted.SHARER_GONE: "邀请您的会员已离开，您仍可以直接成为会员",
    NotCounted.SELF: "这是您自己的邀请，请发给好友打开",
    NotCounted.ALREADY_A_MEMBER: "您已经是会员了",
    NotCounted.CIRCULAR: "您已经是会员了",
}
"""What who opened an invitation is told; of what risk found, and of other invitations, nothing."""


def condition(programme: Programme) -> str:
    """Say what the friend has to do."""
    bought = programme.purchase
    if bought is None:
        return "好友绑定手机号成为新会员"
    return f"好友成为新会员，并在入会后 {bought.within_days} 天内单笔实付满 {plain_yuan(bought.minimum_fen)} 元"


def gain(reward: Reward, titles: Titles) -> str:
    """Say what one side gets, empty when nothing."""
    parts = [f"{reward.points} 积分"] if reward.points else []
    if reward.coupon_template_id is not None:
        parts.append(f"一张「{titles.get(reward.coupon_template_id, '优惠券')}」")
    return "和".join(parts)


def to_the_friend(programme: Programme, titles: Titles) -> str:
    """Say to the friend what there is for them, and when."""
    bought, gained = programme.purchase, gain(programme.referee, titles)
    if not gained:
        return "绑定手机号即成为会员"
    if bought is None:
        return f"绑定手机号成为新会员，得 {gained}"
    return f"新会员入会后 {bought.within_days} 天内单笔实付满 {plain_yuan(bought.minimum_fen)} 元，得 {gained}"


def sentences(programme: Programme, titles: Titles) -> list[str]:
    """Say all that holds of a programme, a sentence each."""
    return list(_sentences(programme, titles))


def outcome(*, side: Side, state: RewardState, points: int, has_coupon: bool, reason: str | None) -> str:
    """Say what one side got for an invitation or for an opening, or why not."""
    gained = "、".join([*([f"{points} 积分"] if points else []), *(["一张优惠券"] if has_coupon else [])])
    match state:
        case RewardState.WAITING:
            return "奖励待发放"
        case RewardState.MISSED:
            return f"没有奖励：{_missed(side, reason)}"
        case RewardState.TAKEN_BACK:
            return f"{gained} 已收回"
    return f"得 {gained}" if reason is None else f"得 {gained}；{_missed(side, reason)}"


def notice(reason: NotCounted | None) -> str | None:
    """Say to who opened an invitation what they have to know, if anything."""
    return None if reason is None else NOTICES.get(reason)


def _missed(side: Side, reason: str | None) -> str:
    """Say why something was missed: a limit, a word of ours, a rule of risk for an opening, else the coupon."""
    if reason in MISSED_WORDS:
        return MISSED_WORDS[reason]
    if reason in list(Against):
        return WORDS[Against(reason)]
    return NOT_SAFE if side is Side.SHARER else COUPON_MISSED


def _sentences(programme: Programme, titles: Titles) -> Iterator[str]:
    sides = (("您", programme.referrer), ("好友", programme.referee))
    gained = [f"{who}得 {gain(reward, titles)}" for who, reward in sides if not reward.is_nothing]
    yield f"{condition(programme)}，{'，'.join(gained) or '目前没有奖励'}。"
    if programme.opening is not None:
        opening = programme.opening
        most = _most(("每天", opening.per_day), ("累计", opening.total))
        yield f"好友打开链接，您得 {opening.points} 积分，{most}。"
    yield from _caps(programme)
    yield f"好友首次打开链接后 {programme.attribution_days} 天内入会有效；每位好友只计一次，归最先邀请的会员。"
    if programme.wait_hours:
        yield f"达成后 {programme.wait_hours} 小时进行安全校验，通过后到账；同一人的其他微信或手机号不计。"
    else:
        yield "达成后经安全校验到账；同一人的其他微信或手机号不计。"


def _caps(programme: Programme) -> Iterator[str]:
    caps = programme.caps
    told = _most(("每天", caps.per_day), ("每月", caps.per_month), ("累计", caps.total))
    if told:
        yield f"您的奖励{told}；好友不受影响。"


def _most(*caps: tuple[str, int | None]) -> str:
    return "，".join(f"{period}最多 {most} 位" for period, most in caps if most is not None)
