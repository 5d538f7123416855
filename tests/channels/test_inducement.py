"""Value for following, subscribing and sharing is refused; what only sounds alike is not."""

import pytest

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing, check_not_induced, check_not_luring


@pytest.mark.parametrize("code", ["wechatshare", "oafollow", "newsubscriber", "SHAREPOSTER", "msgforward", "sharing2"])
def test_a_code_is_refused_also_where_its_words_run_together(code: str) -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        check_not_induced([code])


@pytest.mark.parametrize(
    "code",
    ["timeshare_viewed", "shareholder_meeting", "followup_call", "follow_up", "carryforward", "subscription_paid"],
)
def test_a_code_that_only_sounds_alike_may_be_used(code: str) -> None:
    check_not_induced([code])


@pytest.mark.parametrize("code", ["followup_share", "shareholder_followed"])
def test_a_lawful_word_hides_no_other(code: str) -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        check_not_induced([code])


@pytest.mark.parametrize(
    "text",
    [
        "得50积分，快转发", "送券！快分享", "领 20 积分，关注公众号", "奖励 100 积分\n分享到群即可", "发朋友圈领券",
        "领券后发朋友圈", "集赞 30 个送饮品", "好友助力得 50 积分", "邀 3 位好友助力", "找人砍价", "助力领券",
        "砍价免费拿", "帮我助力", "助力成功送券", "砍一刀", "转发后获赠", "先关注再入会", "转发有礼", "关注有好礼",
        "请勿转发二维码；转发海报可领积分", "请勿忘记转发，好礼等您领",
        "无需关注，转发即可领取", "不用分享，先关注再领", "无需等待，转发即可领取", "不需要转发，集赞 30 个送饮品",
    ],
)  # fmt: skip
def test_a_text_that_lures_is_refused(text: str) -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        check_not_luring([text])


@pytest.mark.parametrize(
    "text",
    [
        "分享装薯片，买二送一", "消费满 100 元得 10 积分", "关注健康，从早餐开始", "助力健康，送您好礼", "加速送达",
        "值得关注的新品", "写评价得积分，欢迎分享您的用餐体验", "邀请好友成为新会员，双方各得 50 积分",
        "送双人餐，关注口味的你不要错过",
        "助力乡村儿童阅读", "记得关注我们的新品", "帮助力所能及的人", "一口价，无需砍价", "会员得双倍积分，加速升级",
        "通过订阅消息发送到账提醒，领券后可用", "请勿转发二维码，以免被他人领取", "券码不得擅自分享，以免他人领用",
        "无需转发即可领取", "不用关注、分享或集赞，到店就送", "无须转发和发朋友圈，人人可得",
    ],
)  # fmt: skip
def test_a_lawful_text_passes(text: str) -> None:
    check_not_luring([text])
