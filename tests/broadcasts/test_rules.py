"""What a message may say and by which ways it may go."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.broadcasts.rules.channels import Channel, checked_channels
from loyalty.broadcasts.rules.content import MessageContent, check_content
from loyalty.broadcasts.rules.errors import InvalidBroadcastChannels, InvalidMessageContent, InvalidPushPolicy
from loyalty.broadcasts.rules.policy import PushPolicy, check_policy, marketing_quota, next_quota_at
from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.channels.rules.replies import UNSUBSCRIBED, ReplyBook, answer_to
from loyalty.channels.rules.templates import MARKETING_KINDS, MarketingByTemplateMessage, TemplateChannel
from loyalty.channels.service.templates import TemplateSettings, save_template
from loyalty.notices.rules import KINDS, NoticeKind
from loyalty.notices.service import configure_kind
from tests.factories.broadcasts import ACTOR


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (MessageContent("", "正文"), "title"),
        (MessageContent("标" * 31, "正文"), "title"),
        (MessageContent("标题", " "), "body"),
        (MessageContent("标题", "文" * 201), "body"),
        (MessageContent("标题", "正文", link="https://evil.example/h5/"), "link"),
        (MessageContent("标题", "正文", link="//evil.example/h5/"), "link"),
        (MessageContent("标题", "正文", link="/h5/..//evil.example"), "link"),
        (MessageContent("标题", "正文", link="/h5/a\\b"), "link"),
        (MessageContent("标题", "正文", link="/console/login"), "link"),
        (MessageContent("标题", "正文", link="/h5/%2E%2e/console/login"), "link"),
        (MessageContent("标题", "正文", page="https://evil.example"), "page"),
        (MessageContent("标题", "正文", page="/pages/index"), "page"),
    ],
)
def test_a_message_that_is_no_message_or_leads_away_is_refused(content: MessageContent, field: str) -> None:
    with pytest.raises(InvalidMessageContent) as refusal:
        check_content(content)
    assert refusal.value.details["field"] == field


def test_a_message_may_have_lines_and_lead_to_our_pages() -> None:
    check_content(MessageContent("标题", "第一行\n第二行", link="/h5/coupons?tab=1", page="pages/index/index?a=1"))


def test_a_message_may_not_lure() -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        check_content(MessageContent("福利", "分享到朋友圈即可领取优惠券"))


def test_the_inbox_ends_every_order_and_strangers_are_refused() -> None:
    assert checked_channels(["customer", "inbox", "subscription"]) == (
        Channel.CUSTOMER,
        Channel.SUBSCRIPTION,
        Channel.INBOX,
    )
    for names in (["template"], ["sms"], ["customer", "customer"]):
        with pytest.raises(InvalidBroadcastChannels):
            checked_channels(names)


def test_a_kind_of_marketing_is_never_mapped_to_a_template_message(session: Session, at: datetime) -> None:
    assert {NoticeKind.CAMPAIGN} == MARKETING_KINDS
    settings = TemplateSettings(template_id="t", title="活动", mapping={"thing1": "{title}"})
    with pytest.raises(MarketingByTemplateMessage):
        save_template(
            session,
            appid="wx",
            notice_kind=NoticeKind.CAMPAIGN,
            channel=TemplateChannel.TEMPLATE,
            settings=settings,
            facts=KINDS[NoticeKind.CAMPAIGN].facts,
            actor=ACTOR,
            at=at,
        )
    with pytest.raises(MarketingByTemplateMessage):
        configure_kind(
            session,
            kind=NoticeKind.CAMPAIGN,
            is_enabled=True,
            channels=["template", "inbox"],
            is_own_act=False,
            actor=ACTOR,
            at=at,
        )


def test_no_notice_of_marketing_has_a_template_channel_by_default() -> None:
    assert all("template" not in KINDS[NoticeKind(kind)].defaults.channels for kind in MARKETING_KINDS)


@pytest.mark.parametrize(
    "policy",
    [
        PushPolicy(messages_a_day=4, messages_a_week=3),
        PushPolicy(messages_a_second=0),
        PushPolicy(service_percent=101),
        PushPolicy(subscription_quota=-1),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: PushPolicy) -> None:
    with pytest.raises(InvalidPushPolicy):
        check_policy(policy)


def test_quotas_are_of_the_day_in_china() -> None:
    before, after = datetime(2026, 3, 10, 15, 59, tzinfo=UTC), datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
    policy = PushPolicy(customer_quota=1_000, service_percent=25)
    limits = [marketing_quota(policy, Channel.CUSTOMER, appid="wx", at=at) for at in (before, after)]

    assert [limit.ceiling for limit in limits] == [750, 750]
    assert [limit.period for limit in limits] == ["2026-03-10", "2026-03-11"]
    assert next_quota_at(before) == after


@pytest.mark.parametrize("said", ["TD", "td", " ＴＤ ", "退订"])
def test_unsubscribing_is_answered_before_any_reply_that_was_set(said: str) -> None:
    book = ReplyBook(default="您好", exact={"td": "别的"}, contains=(("退", "退货请到门店"),))
    found = answer_to(book, said)
    assert found is not None
    assert found.text == UNSUBSCRIBED


def test_words_with_td_in_them_are_no_unsubscription() -> None:
    found = answer_to(ReplyBook(default="您好"), "我要退订外卖")
    assert found is not None
    assert found.text == "您好"
