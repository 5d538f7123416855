"""Sentences: a whole campaign read aloud in Chinese, as lists, reviews and the form beside its fields show it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.broadcasts.rules.channels import NAMES as CHANNEL_NAMES
from loyalty.campaigns.rules.terms import (
    Action,
    At,
    BeforeExpiry,
    Birthday,
    CampaignEvent,
    GiveCoupon,
    GivePoints,
    Now,
    OnEvent,
    PutTag,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Terms,
    Trigger,
)
from loyalty.kernel.wording import named, weekdays, yuan
from loyalty.segments.rules.sentences import Names as SegmentNames
from loyalty.segments.rules.sentences import sentence as condition_words

EVENT_NAMES = {
    CampaignEvent.ENROLLED: "入会",
    CampaignEvent.PURCHASED: "消费",
    CampaignEvent.CHECKED_IN: "签到",
    CampaignEvent.COUPON_REDEEMED: "用券",
    CampaignEvent.TIER_PROMOTED: "升级",
    CampaignEvent.FRIEND_QUALIFIED: "邀请的好友达标",
    CampaignEvent.FOLLOWED: "关注公众号",
}
_MINUTES_OF_HOUR, _MINUTES_OF_DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True)
class Names:
    """What ids in terms are called; one without a name shows its number."""

    coupons: Mapping[int, str] = field(default_factory=dict)
    tags: Mapping[int, str] = field(default_factory=dict)
    stores: Mapping[int, str] = field(default_factory=dict)
    segment: SegmentNames = field(default_factory=SegmentNames)


_NO_NAMES = Names()


def sentence(terms: Terms, *, zone: ZoneInfo, names: Names = _NO_NAMES) -> str:
    """Return what a campaign does in one Chinese sentence; nothing but its texts is left out."""
    actions = "，".join(action_words(action, names) for action in terms.actions)
    who = condition_words(terms.audience, names.segment)
    rest = "".join(f"；{one}" for one in _terms(terms, names, zone))
    return f"{trigger_words(terms.trigger, zone)}，向「{who}」{actions}{rest}。"


def trigger_words(trigger: Trigger, zone: ZoneInfo) -> str:
    """Return when a campaign goes off."""
    match trigger:
        case Now():
            return "发布后立即"
        case At(starts_at):
            return f"{_moment(starts_at, zone)} "
        case Recurring():
            return f"{_days(trigger)} {trigger.at:%H:%M}"
        case OnEvent(event, delay):
            return f"会员{EVENT_NAMES[event]}后{_delay(delay)}"
        case Birthday(days, at):
            return f"{f'生日前 {days} 天' if days else '生日当天'} {at:%H:%M}"
        case Sleeping(days, at):
            return f"会员 {days} 天未消费时 {at:%H:%M}"
        case BeforeExpiry(days, least, at):
            return f"有至少 {least:,} 积分将在 {days} 天后到期时 {at:%H:%M}"
    return "会员从链接、门店二维码或菜单参加时"


def action_words(action: Action, names: Names = _NO_NAMES) -> str:
    """Return what one action does."""
    match action:
        case GivePoints(points, days):
            return f"送 {points:,} 积分" + ("" if days is None else f"（{days} 天有效）")
        case GiveCoupon(template_id):
            return f"送 1 张「{names.coupons.get(template_id, f'{template_id} 号优惠券')}」"
        case PutTag(tag_id):
            return f"打上标签「{names.tags.get(tag_id, f'标签 {tag_id}')}」"
        case SendMessage(title, _body, channels):
            return f"发消息「{title}」（{'、'.join(_channels(channels))}）"


def _channels(channels: tuple[str, ...]) -> list[str]:
    known = {channel.value: name for channel, name in CHANNEL_NAMES.items()}
    ways = [known.get(channel, channel) for channel in channels]
    return ways if known["inbox"] in ways else [*ways, known["inbox"]]


def _terms(terms: Terms, names: Names, zone: ZoneInfo) -> Iterator[str]:
    if terms.starts_at is not None:
        yield f"{_moment(terms.starts_at, zone)} 开始"
    if terms.ends_at is not None:
        yield f"{_moment(terms.ends_at, zone)} 结束"
    if terms.store_ids:
        yield f"限{named(terms.store_ids, names.stores, '门店')}"
    yield from _caps(terms)
    if terms.holdout_percent:
        yield f"随机留 {terms.holdout_percent}% 会员作对照，不发放"


def _caps(terms: Terms) -> Iterator[str]:
    caps = terms.caps
    if not isinstance(terms.trigger, Now | At):
        yield f"每人最多 {caps.times_a_member} 次"
    if caps.members is not None:
        yield f"最多 {caps.members:,} 人"
    if caps.points is not None:
        yield f"最多送 {caps.points:,} 积分"
    if caps.coupons is not None:
        yield f"最多送 {caps.coupons:,} 张券"
    if caps.fen is not None:
        yield f"费用最多 {yuan(caps.fen)}"


def _days(trigger: Recurring) -> str:
    match trigger.repetition:
        case Repetition.WEEKLY:
            return f"每{weekdays(trigger.days)}"
        case Repetition.MONTHLY:
            return f"每月 {'、'.join(f'{day}' for day in sorted(trigger.days))} 日"
    return "每天"


def _delay(minutes: int) -> str:
    if not minutes:
        return "立即"
    if minutes % _MINUTES_OF_DAY == 0:
        return f" {minutes // _MINUTES_OF_DAY} 天"
    if minutes % _MINUTES_OF_HOUR == 0:
        return f" {minutes // _MINUTES_OF_HOUR} 小时"
    return f" {minutes} 分钟"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
