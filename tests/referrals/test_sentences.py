"""What members read says what is paid, and promises nothing for passing a link on."""

import pytest

from loyalty.channels.rules.inducement import check_not_luring
from loyalty.referrals.queries.referrals import RewardView
from loyalty.referrals.rules.openings import NotCounted
from loyalty.referrals.rules.programme import Caps, OpeningReward, Programme, Purchase, Reward
from loyalty.referrals.rules.sentences import NOTICES, notice, sentences, to_the_friend
from loyalty.referrals.rules.states import RewardState, Side

TITLES = {7: "早鸟券"}
TEXTS = {"title": "邀请", "description": "规则", "share_title": "来"}
BOTH = {"referrer": Reward(100, 7), "referee": Reward(50)}
PROGRAMMES = [
    Programme(**TEXTS),
    Programme(**TEXTS, **BOTH, caps=Caps(5, 20, 100)),
    Programme(**TEXTS, **BOTH, purchase=Purchase(4_990, 30), wait_hours=0),
    Programme(**TEXTS, **BOTH, opening=OpeningReward(2, 10)),
    Programme(**TEXTS, **BOTH, opening=OpeningReward(2, 10, 300)),
]


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_no_sentence_promises_anything_for_passing_a_link_on(programme: Programme) -> None:
    told = [*sentences(programme, TITLES), to_the_friend(programme, TITLES)]

    for one in (*told, "".join(told), *NOTICES.values()):
        check_not_luring([one])


def test_condition_rewards_and_caps_are_told() -> None:
    _, capped, bought, opened, opened_in_all = (sentences(programme, TITLES) for programme in PROGRAMMES)

    assert capped[0] == "好友绑定手机号成为新会员，您得 100 积分和一张「早鸟券」，好友得 50 积分。"
    assert capped[1] == "您的奖励每天最多 5 位，每月最多 20 位，累计最多 100 位；好友不受影响。"
    assert bought[0].startswith("好友成为新会员，并在入会后 30 天内单笔实付满 49.9 元，您得")
    assert opened[1] == "好友打开链接，您得 2 积分，每天最多 10 位。"
    assert opened_in_all[1] == "好友打开链接，您得 2 积分，每天最多 10 位，累计最多 300 位。"


def test_a_programme_without_rewards_says_so() -> None:
    assert sentences(PROGRAMMES[0], {})[0] == "好友绑定手机号成为新会员，目前没有奖励。"
    assert to_the_friend(PROGRAMMES[0], {}) == "绑定手机号即成为会员"


@pytest.mark.parametrize(
    ("side", "state", "points", "coupon_id", "reason", "told"),
    [
        (Side.REFERRER, RewardState.PAID, 100, 7, None, "得 100 积分、一张优惠券"),
        (Side.REFERRER, RewardState.PAID, 100, None, "coupon_sold_out", "得 100 积分；优惠券未能发放"),
        (Side.REFERRER, RewardState.MISSED, 0, None, "referrer_day", "没有奖励：已达每天奖励人数上限"),
        (Side.REFERRER, RewardState.TAKEN_BACK, 100, None, None, "100 积分 已收回"),
        (Side.REFERRER, RewardState.KEPT, 0, 7, None, "得 一张优惠券"),
        (Side.SHARER, RewardState.WAITING, 0, None, None, "奖励待发放"),
        (Side.SHARER, RewardState.MISSED, 0, None, "sharer_day", "没有奖励：已达每天打开奖励上限"),
        (Side.SHARER, RewardState.MISSED, 0, None, "sharer_total", "没有奖励：已达累计打开奖励上限"),
        (Side.SHARER, RewardState.MISSED, 0, None, "reviewed", "没有奖励：经人工审核撤销"),
        (Side.SHARER, RewardState.MISSED, 0, None, "clicks_of_one_device", "没有奖励：未通过安全校验"),
    ],
)
def test_an_outcome_is_told_with_the_reason(
    side: Side, state: RewardState, points: int, coupon_id: int | None, reason: str | None, told: str
) -> None:
    assert RewardView(side, 1, state, reason, points, coupon_id).outcome == told


def test_a_visitor_is_not_told_what_risk_found_or_who_else_invited_them() -> None:
    assert [notice(reason) for reason in (None, NotCounted.BLOCKLISTED, NotCounted.EARLIER_TOUCH)] == [None] * 3
