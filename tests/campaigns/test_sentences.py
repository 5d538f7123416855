"""A campaign read aloud: everything but its texts is said."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from loyalty.campaigns.rules.sentences import Names, sentence
from loyalty.campaigns.rules.templates import TEMPLATES
from loyalty.campaigns.rules.terms import (
    At,
    BeforeExpiry,
    Birthday,
    CampaignEvent,
    Caps,
    GiveCoupon,
    GivePoints,
    Now,
    OnEvent,
    PutTag,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Trigger,
    Visit,
)
from loyalty.segments.rules.conditions import EVERYBODY
from tests.factories.campaigns import SHANGHAI, campaign_of

NAMES = Names(coupons={1: "满 100 减 20"}, tags={2: "老客"}, stores={3: "人民路店"})
NIGHT = datetime(2026, 3, 31, 16, tzinfo=UTC)


def read(**changes: Any) -> str:
    return sentence(campaign_of(**({"audience": EVERYBODY} | changes)), zone=SHANGHAI, names=NAMES)


def test_the_whole_of_a_campaign_is_one_sentence() -> None:
    told = read(
        trigger=OnEvent(CampaignEvent.PURCHASED, 90),
        actions=(GivePoints(1_000, 30), GiveCoupon(1), PutTag(2), SendMessage("谢谢", "再来", ("subscription",))),
        store_ids=frozenset({3}),
        caps=Caps(points=50_000, coupons=60, fen=123_45, members=70, times_a_member=2),
        holdout_percent=10,
        starts_at=NIGHT.replace(day=1),
        ends_at=NIGHT,
    )

    assert told == (
        "会员消费后 90 分钟，向「全部会员」送 1,000 积分（30 天有效），送 1 张「满 100 减 20」，打上标签「老客」，"
        "发消息「谢谢」（订阅消息、站内消息）；2026-03-02 00:00 开始；2026-04-01 00:00 结束；限人民路店；"
        "每人最多 2 次；最多 70 人；最多送 50,000 积分；最多送 60 张券；费用最多 ¥123.45；"
        "随机留 10% 会员作对照，不发放。"
    )


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        (Now(), "发布后立即，"),
        (At(NIGHT), "2026-04-01 00:00 "),
        (Recurring(Repetition.DAILY, time(9, 5)), "每天 09:05，"),
        (Recurring(Repetition.WEEKLY, time(10), frozenset({1, 2, 3, 6})), "每周一至周三、周六 10:00，"),
        (Recurring(Repetition.MONTHLY, time(10), frozenset({28, 8})), "每月 8、28 日 10:00，"),
        (OnEvent(CampaignEvent.ENROLLED), "会员入会后立即，"),
        (OnEvent(CampaignEvent.CHECKED_IN, 2_880), "会员签到后 2 天，"),
        (OnEvent(CampaignEvent.CHECKED_IN, 120), "会员签到后 2 小时，"),
        (Birthday(), "生日当天 09:00，"),
        (Birthday(3), "生日前 3 天 09:00，"),
        (Sleeping(90), "会员 90 天未消费时 10:00，"),
        (BeforeExpiry(7, 1_000), "有至少 1,000 积分将在 7 天后到期时 10:00，"),
        (Visit(), "会员从链接、门店二维码或菜单参加时，"),
    ],
)
def test_every_trigger_is_told_first(trigger: Trigger, words: str) -> None:
    assert read(trigger=trigger).startswith(words)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_ready_campaign_can_be_read(name: str) -> None:
    assert sentence(TEMPLATES[name].start(), zone=SHANGHAI).endswith("。")
