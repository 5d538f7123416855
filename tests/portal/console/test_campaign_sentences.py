"""A campaign read aloud (活动内容): everything that it says has a line, and a revision tells what it changed."""

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from flask import Flask

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
from loyalty.segments.rules.sentences import Names
from portal.console.campaign_sentences import CampaignNames, differences, lines_of, trigger_words
from tests.factories.campaigns import campaign_of

NAMES = CampaignNames(Names(), stores={3: "人民路店"}, tags={2: "老客"}, coupons={1: "满 100 减 20"})
NIGHT = datetime(2026, 3, 31, 16, tzinfo=UTC)


def test_all_of_a_campaign_is_said(app: Flask) -> None:
    message = SendMessage("谢谢", "再来", ("subscription",), "/h5/coupons")
    terms = campaign_of(
        audience=EVERYBODY,
        trigger=OnEvent(CampaignEvent.PURCHASED, 90),
        actions=(GivePoints(1_000, 30), GiveCoupon(1), PutTag(2), message),
        store_ids=frozenset({3}),
        caps=Caps(points=50_000, coupons=60, fen=123_45, members=70, times_a_member=2),
        holdout_percent=10,
        starts_at=NIGHT.replace(day=1),
        ends_at=NIGHT,
        rules_text="消费后领取。",
    )

    with app.app_context():
        said = lines_of(terms, NAMES)

    assert said == [
        ("受众", "全部会员"),
        ("时机", "会员消费后 90 分钟"),
        ("动作", "送 1,000 积分（30 天有效）"),
        ("动作", "送“满 100 减 20”1 张"),
        ("动作", "打标签“老客”"),
        ("动作", "发消息“谢谢”：再来（依次用订阅消息、站内消息）"),
        ("消息打开", "/h5/coupons"),
        ("上限", "积分 50,000，券 60 张，费用 ¥123.45，人数 70，每人 2 次"),
        ("对照组", "随机 10% 的会员不发放，用来对比效果"),
        ("门店", "人民路店"),
        ("活动时间", "2026-03-02 00:00 起，2026-04-01 00:00 止"),
        ("活动规则", "消费后领取。"),
    ]


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        (Now(), "发布后立即执行一次"),
        (At(NIGHT), "2026-04-01 00:00 执行一次"),
        (Recurring(Repetition.DAILY, time(9, 5)), "每天 09:05"),
        (Recurring(Repetition.WEEKLY, time(10), frozenset({1, 2, 3, 6})), "每周一至周三、周六 10:00"),
        (Recurring(Repetition.MONTHLY, time(10), frozenset({28, 8})), "每月 8、28 日 10:00"),
        (OnEvent(CampaignEvent.ENROLLED), "会员入会后立即"),
        (OnEvent(CampaignEvent.CHECKED_IN, 2_880), "会员签到后 2 天"),
        (OnEvent(CampaignEvent.CHECKED_IN, 120), "会员签到后 2 小时"),
        (Birthday(), "会员生日当天 09:00"),
        (Birthday(3), "会员生日前 3 天 09:00"),
        (Sleeping(90), "会员满 90 天没有消费时，10:00"),
        (BeforeExpiry(7, 1_000), "会员有不少于 1,000 积分将在 7 天后到期时，10:00"),
        (Visit(), "会员从活动链接、二维码或菜单进来领取"),
    ],
)
def test_every_trigger_is_told(app: Flask, trigger: Trigger, words: str) -> None:
    with app.app_context():
        assert trigger_words(trigger) == words


def test_a_revision_tells_what_it_changed_and_nothing_else(app: Flask) -> None:
    before = campaign_of(audience=EVERYBODY, holdout_percent=0)
    after = replace(before, title="新名称", holdout_percent=10)

    with app.app_context():
        changed = differences(after, before, NAMES)

    assert changed == [
        ("名称", before.title, "新名称"),
        ("对照组", "无", "随机 10% 的会员不发放，用来对比效果"),
    ]
