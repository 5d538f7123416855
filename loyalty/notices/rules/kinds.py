"""Kinds of notices: their texts, the facts they need and the channels they take.

A notice tells a member of something that has already happened to them, never advertising; the one kind of marketing
is sent by ``broadcasts``. Each kind declares the facts it needs; templates at WeChat map their keys to their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class NoticeKind(StrEnum):
    """What a notice is about."""

    MEMBER_BOUND = "member_bound"
    """A WeChat identity was bound to a membership (绑定成功)."""
    POINTS_CHANGED = "points_changed"
    CHECK_IN_RECORDED = "check_in_recorded"
    TIER_CHANGED = "tier_changed"
    """A level was reached or lost (等级变动)."""
    TIER_ENDING = "tier_ending"
    """The growth no longer keeps a level, which will be lost at a day to come (保级提醒)."""
    BINDING_CODE = "binding_code"
    """A code sent to the old WeChat as the second proof of a binding (二次验证)."""
    POINTS_EXPIRING = "points_expiring"
    """Points that expire soon (积分到期提醒)."""
    COUPON_ISSUED = "coupon_issued"
    """A coupon was given to the member (券已到账)."""
    COUPONS_EXPIRING = "coupons_expiring"
    """Coupons that lapse soon (优惠券即将到期)."""
    MISSION_REWARDED = "mission_rewarded"
    """A mission gave its reward, in points or make-up cards (任务奖励到账); a coupon is told of as such."""
    REFERRAL_REWARDED = "referral_rewarded"
    """An invitation brought points, to either side (邀请奖励到账)."""
    COMMISSIONS_APPROVED = "commissions_approved"
    """A day's commissions can be withdrawn (佣金结算)."""
    PAYOUT_OFFERED = "payout_offered"
    """A transfer waits for the member's confirmation (待确认收款)."""
    PAYOUT_SUCCEEDED = "payout_succeeded"
    """A transfer has arrived (提现到账)."""
    PAYOUT_RETURNED = "payout_returned"
    """A withdrawal came back (提现退回)."""
    CAMPAIGN = "campaign"
    """Marketing (活动消息): here for its templates, its switch and what members think of it; never requested."""


class Channel(StrEnum):
    """A way to reach a member. The inbox message always exists, so the inbox ends every order."""

    TEMPLATE = "template"
    """Template message (模板消息) of an Official Account the member follows."""
    SUBSCRIPTION = "subscription"
    """Subscription message (订阅消息) of a mini program, paid with one grant (授权次数)."""
    INBOX = "inbox"


class FactType(StrEnum):
    """How a fact is shown."""

    TEXT = "text"
    POINTS = "points"
    INSTANT = "instant"
    """ISO 8601 in the stored facts."""
    DAY = "day"
    """A business date, ISO 8601 in the stored facts."""
    MONEY = "money"
    """Fen in the stored facts."""


@dataclass(frozen=True, slots=True)
class KindSettings:
    """What headquarters may set for a kind."""

    is_enabled: bool
    channels: tuple[Channel, ...]
    is_own_act: bool
    """Whether it answers something the member just did, so that it may come at night."""


@dataclass(frozen=True, slots=True)
class KindDefinition:
    """A kind's title and inbox text, the facts it needs and its settings until somebody changes them."""

    title: str
    text: str
    facts: Mapping[str, FactType]
    defaults: KindSettings
    is_owed: bool = False
    """Whether members are owed it whatever headquarters would like, so that it cannot be switched off."""


_EVERY_CHANNEL = (Channel.TEMPLATE, Channel.SUBSCRIPTION, Channel.INBOX)
_NEWS = KindSettings(is_enabled=True, channels=_EVERY_CHANNEL, is_own_act=False)
_ANSWER = KindSettings(is_enabled=True, channels=_EVERY_CHANNEL, is_own_act=True)
_POINTS_FACTS = MappingProxyType(
    {
        "member_number": FactType.TEXT,
        "points": FactType.POINTS,
        "balance": FactType.POINTS,
        "reason": FactType.TEXT,
        "occurred_at": FactType.INSTANT,
    }
)
KINDS: Mapping[NoticeKind, KindDefinition] = MappingProxyType(
    {
        NoticeKind.MEMBER_BOUND: KindDefinition(
            title="会员绑定成功",
            text="您已于{occurred_at}绑定会员，会员号 {member_number}，当前等级：{tier}。",
            facts=MappingProxyType(
                {"member_number": FactType.TEXT, "tier": FactType.TEXT, "occurred_at": FactType.INSTANT}
            ),
            defaults=_ANSWER,
        ),
        NoticeKind.POINTS_CHANGED: KindDefinition(
            title="积分变动提醒",
            text="{reason}，积分变动 {points}，当前余额 {balance} 积分。",
            facts=_POINTS_FACTS,
            defaults=_NEWS,
        ),
        NoticeKind.CHECK_IN_RECORDED: KindDefinition(
            title="签到成功",
            text="{reason}，积分变动 {points}，当前余额 {balance} 积分。",
            facts=_POINTS_FACTS,
            defaults=KindSettings(is_enabled=False, channels=_EVERY_CHANNEL, is_own_act=True),
        ),
        NoticeKind.TIER_CHANGED: KindDefinition(
            title="会员等级变动",
            text="{reason}，您的会员等级由{previous}变为{tier}。",
            facts=MappingProxyType(
                {
                    "member_number": FactType.TEXT,
                    "previous": FactType.TEXT,
                    "tier": FactType.TEXT,
                    "reason": FactType.TEXT,
                    "occurred_at": FactType.INSTANT,
                }
            ),
            defaults=_NEWS,
        ),
        NoticeKind.TIER_ENDING: KindDefinition(
            title="会员等级即将到期",
            text=(
                "您的{tier}保留到{valid_until}，之后将变为{next_tier}；在此之前再获得 {growth_lacking} 成长值即可保级。"
            ),
            facts=MappingProxyType(
                {
                    "member_number": FactType.TEXT,
                    "tier": FactType.TEXT,
                    "next_tier": FactType.TEXT,
                    "growth_lacking": FactType.POINTS,
                    "valid_until": FactType.DAY,
                }
            ),
            defaults=_NEWS,
        ),
        NoticeKind.BINDING_CODE: KindDefinition(
            title="会员绑定验证码",
            text=("有人正用另一个微信绑定您的会员，验证码 {code}，{valid_until}前有效。如非本人操作，请勿告诉任何人。"),
            facts=MappingProxyType({"code": FactType.TEXT, "valid_until": FactType.INSTANT}),
            defaults=_ANSWER,
        ),
        NoticeKind.POINTS_EXPIRING: KindDefinition(
            title="积分到期提醒",
            text="您有 {expiring_points} 积分即将到期：{details}，到期后不能使用。当前余额 {balance} 积分。",
            facts=MappingProxyType(
                {
                    "expiring_points": FactType.POINTS,
                    "expires_on": FactType.DAY,
                    "details": FactType.TEXT,
                    "balance": FactType.POINTS,
                }
            ),
            defaults=_NEWS,
            is_owed=True,
        ),
        NoticeKind.COUPON_ISSUED: KindDefinition(
            title="券已到账",
            text="您获得优惠券「{coupon}」：{worth}，有效期至{valid_until}。",
            facts=MappingProxyType(
                {
                    "member_number": FactType.TEXT,
                    "coupon": FactType.TEXT,
                    "worth": FactType.TEXT,
                    "valid_until": FactType.DAY,
                }
            ),
            defaults=_NEWS,
        ),
        NoticeKind.COUPONS_EXPIRING: KindDefinition(
            title="优惠券即将到期",
            text="您有 {coupons_count} 张优惠券即将到期：{details}，到期后不能使用。",
            facts=MappingProxyType(
                {"coupons_count": FactType.POINTS, "expires_on": FactType.DAY, "details": FactType.TEXT}
            ),
            defaults=_NEWS,
        ),
        NoticeKind.MISSION_REWARDED: KindDefinition(
            title="任务奖励到账",
            text="您完成了任务「{mission}」，获得{reward}。",
            facts=MappingProxyType(
                {
                    "member_number": FactType.TEXT,
                    "mission": FactType.TEXT,
                    "reward": FactType.TEXT,
                    "occurred_at": FactType.INSTANT,
                }
            ),
            defaults=_NEWS,
        ),
        NoticeKind.REFERRAL_REWARDED: KindDefinition(
            title="邀请奖励到账",
            text="{reason}，积分变动 {points}，当前余额 {balance} 积分。",
            facts=_POINTS_FACTS,
            defaults=_NEWS,
        ),
        NoticeKind.COMMISSIONS_APPROVED: KindDefinition(
            title="佣金结算",
            text="{approved_on}为您结算佣金 {commissions_count} 笔，共 {amount_fen}，目前可提现 {available_fen}。",
            facts=MappingProxyType(
                {
                    "member_number": FactType.TEXT,
                    "commissions_count": FactType.POINTS,
                    "amount_fen": FactType.MONEY,
                    "available_fen": FactType.MONEY,
                    "approved_on": FactType.DAY,
                }
            ),
            defaults=_NEWS,
        ),
        NoticeKind.PAYOUT_OFFERED: KindDefinition(
            title="请确认收款",
            text="您的提现 {net_fen} 已转出，请在{confirm_until}前打开提现记录确认收款，逾期自动退回；已确认请忽略。",
            facts=MappingProxyType(
                {"member_number": FactType.TEXT, "net_fen": FactType.MONEY, "confirm_until": FactType.INSTANT}
            ),
            defaults=_NEWS,
            is_owed=True,
        ),
        NoticeKind.PAYOUT_SUCCEEDED: KindDefinition(
            title="提现到账",
            text="您的提现 {gross_fen} 已完成，代扣个人所得税 {tax_fen}，到账 {net_fen}，请在微信零钱查看。",
            facts=MappingProxyType(
                {
                    "member_number": FactType.TEXT,
                    "gross_fen": FactType.MONEY,
                    "tax_fen": FactType.MONEY,
                    "net_fen": FactType.MONEY,
                    "occurred_at": FactType.INSTANT,
                }
            ),
            defaults=_ANSWER,
        ),
        NoticeKind.PAYOUT_RETURNED: KindDefinition(
            title="提现退回",
            text="您的提现 {gross_fen} 未到账：{reason}。",
            facts=MappingProxyType(
                {
                    "member_number": FactType.TEXT,
                    "gross_fen": FactType.MONEY,
                    "reason": FactType.TEXT,
                    "occurred_at": FactType.INSTANT,
                }
            ),
            defaults=_NEWS,
            is_owed=True,
        ),
        NoticeKind.CAMPAIGN: KindDefinition(
            title="活动消息",
            text="{title}：{body}",
            facts=MappingProxyType({"title": FactType.TEXT, "body": FactType.TEXT, "sent_at": FactType.INSTANT}),
            defaults=KindSettings(is_enabled=True, channels=(Channel.SUBSCRIPTION, Channel.INBOX), is_own_act=False),
        ),
    }
)
