"""Rules of notices: kinds and their texts, channels, states, quiet hours and the daily cap.

A notice tells a member of something that has already happened to them, never advertising. Each
kind declares the facts it needs; templates at WeChat map their keys to the names of these facts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.kernel.errors import InvalidInput, NotFound, Unavailable


class NoticeKind(StrEnum):
    """What a notice is about."""

    MEMBER_BOUND = "member_bound"
    """A WeChat identity was bound to a membership (绑定成功)."""
    POINTS_CHANGED = "points_changed"
    CHECK_IN_RECORDED = "check_in_recorded"
    BINDING_CODE = "binding_code"
    """A code sent to the old WeChat as the second proof of a binding (二次验证)."""


class Channel(StrEnum):
    """A way to reach a member. The inbox message always exists, so the inbox ends every order."""

    TEMPLATE = "template"
    """Template message (模板消息) of an Official Account the member follows."""
    SUBSCRIPTION = "subscription"
    """Subscription message (订阅消息) of a mini program, paid with one grant (授权次数)."""
    INBOX = "inbox"


class NoticeState(StrEnum):
    """Whether a notice still waits to be sent over WeChat."""

    QUEUED = "queued"
    FINISHED = "finished"


class DeliveryState(StrEnum):
    """What became of one attempt to reach one identity over one channel."""

    QUEUED = "queued"
    """WeChat was busy; it is tried again."""
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Nobody knows whether it arrived; never sent again."""


COUNTED_STATES = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.UNKNOWN)
"""States in which the member has, or may have, a message of ours on the phone."""


class FactType(StrEnum):
    """How a fact is shown."""

    TEXT = "text"
    POINTS = "points"
    INSTANT = "instant"
    """ISO 8601 in the stored facts."""


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


_EVERY_CHANNEL = (Channel.TEMPLATE, Channel.SUBSCRIPTION, Channel.INBOX)
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
            defaults=KindSettings(is_enabled=True, channels=_EVERY_CHANNEL, is_own_act=True),
        ),
        NoticeKind.POINTS_CHANGED: KindDefinition(
            title="积分变动提醒",
            text="{reason}，积分变动 {points}，当前余额 {balance} 积分。",
            facts=_POINTS_FACTS,
            defaults=KindSettings(is_enabled=True, channels=_EVERY_CHANNEL, is_own_act=False),
        ),
        NoticeKind.CHECK_IN_RECORDED: KindDefinition(
            title="签到成功",
            text="{reason}，积分变动 {points}，当前余额 {balance} 积分。",
            facts=_POINTS_FACTS,
            defaults=KindSettings(is_enabled=False, channels=_EVERY_CHANNEL, is_own_act=True),
        ),
        NoticeKind.BINDING_CODE: KindDefinition(
            title="会员绑定验证码",
            text=("有人正用另一个微信绑定您的会员，验证码 {code}，{valid_until}前有效。如非本人操作，请勿告诉任何人。"),
            facts=MappingProxyType({"code": FactType.TEXT, "valid_until": FactType.INSTANT}),
            defaults=KindSettings(is_enabled=True, channels=_EVERY_CHANNEL, is_own_act=True),
        ),
    }
)


class UnknownNoticeKind(NotFound):
    """No notice of this kind exists."""

    code = "unknown_notice_kind"
    message = "没有这种通知"


class InvalidChannels(InvalidInput):
    """The channel order is empty, repeats a channel or does not end with the inbox."""

    code = "invalid_channels"
    message = "通知渠道不正确：不可重复，且最后一个必须是站内消息"


class InvalidNoticeFacts(InvalidInput):
    """The facts given are not those the kind declares."""

    code = "invalid_notice_facts"
    message = "通知内容与通知类型不符"


class InboxMessageNotFound(NotFound):
    """The member has no such inbox message."""

    code = "inbox_message_not_found"
    message = "没有找到这条消息"


class SendAgainLater(Unavailable):
    """WeChat was busy; the same notice is worth another try."""

    code = "send_again_later"
    message = "微信繁忙，消息稍后重发"


class DeliveryNotYetKnown(Unavailable):
    """A report names a message whose number we have not stored yet, or that is not ours."""

    code = "delivery_not_yet_known"
    message = "消息回执先于发送结果到达，稍后处理"


@dataclass(frozen=True, slots=True)
class SendingPolicy:
    """When a member may be disturbed, and how long an attempt may take."""

    messages_a_day: int = 5
    quiet_from: time = time(22)
    quiet_until: time = time(8)
    own_act_within: timedelta = timedelta(minutes=5)
    held_at_most: timedelta = timedelta(days=2)
    """Older news is left to the inbox."""
    attempts_max: int = 5
    stale_after: timedelta = timedelta(minutes=2)
    resend_within: timedelta = timedelta(minutes=10)
    """WeChat remembers a ``client_msg_id`` for about this long (wechat-platform: template messages)."""


POLICY = SendingPolicy()


def kind_of(name: str) -> NoticeKind:
    """Return the kind with this name.

    Raises:
        UnknownNoticeKind: there is none.
    """
    try:
        return NoticeKind(name)
    except ValueError as error:
        raise UnknownNoticeKind(kind=name) from error


def checked_channels(names: Sequence[str]) -> tuple[Channel, ...]:
    """Return an order of channels as it may be saved.

    Raises:
        InvalidChannels: empty, with a repetition or a stranger, or not ending with the inbox.
    """
    try:
        channels = tuple(Channel(name) for name in names)
    except ValueError as error:
        raise InvalidChannels(channels=list(names)) from error
    if not channels or len(set(channels)) != len(channels) or channels[-1] is not Channel.INBOX:
        raise InvalidChannels(channels=list(names))
    return channels


def checked_facts(kind: NoticeKind, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts when they are exactly those the kind declares.

    Raises:
        InvalidNoticeFacts: one is missing, unknown, or of another type.
    """
    declared = KINDS[kind].facts
    if set(facts) != set(declared):
        raise InvalidNoticeFacts(expected=sorted(declared), given=sorted(facts))
    display(kind, facts, zone=ZoneInfo("UTC"))
    return dict(facts)


def display(kind: NoticeKind, facts: Mapping[str, Any], *, zone: ZoneInfo) -> dict[str, str]:
    """Return the facts of a notice as members read them.

    Raises:
        InvalidNoticeFacts: a value is not of its declared type.
    """
    try:
        return {name: _shown(facts[name], type_, zone) for name, type_ in KINDS[kind].facts.items()}
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidNoticeFacts(kind=kind.value) from error


def _shown(value: Any, fact_type: FactType, zone: ZoneInfo) -> str:
    if fact_type is FactType.INSTANT:
        local = datetime.fromisoformat(value).astimezone(zone)
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    if fact_type is FactType.POINTS:
        return str(int(value))
    return str(value)


def inbox_text(kind: NoticeKind, facts: Mapping[str, Any], *, zone: ZoneInfo) -> tuple[str, str]:
    """Return the title and the text of a notice's inbox message (站内消息).

    Raises:
        InvalidNoticeFacts: a value is not of its declared type.
    """
    shown = display(kind, facts, zone=zone)
    if "points" in shown and not shown["points"].startswith("-"):
        shown["points"] = "+" + shown["points"]
    return KINDS[kind].title, KINDS[kind].text.format_map(shown)


def answers_own_act(acted_at: datetime | None, *, at: datetime, policy: SendingPolicy = POLICY) -> bool:
    """Tell whether a notice answers what the member did moments ago, so that nothing holds it back."""
    return acted_at is not None and timedelta() <= at - acted_at <= policy.own_act_within


def held_until(
    *, acted_at: datetime | None, sent_today: int, zone: ZoneInfo, at: datetime, policy: SendingPolicy = POLICY
) -> datetime | None:
    """Return when a notice may go out at the earliest; None for at once.

    Held back to the next morning in the quiet hours (免打扰) and above the daily cap.
    """
    if answers_own_act(acted_at, at=at, policy=policy):
        return None
    local = at.astimezone(zone)
    today_morning = _morning(local.date(), zone, policy)
    next_morning = _morning(local.date() + timedelta(days=1), zone, policy)
    if local.time() < policy.quiet_until:
        return today_morning
    if local.time() >= policy.quiet_from or sent_today >= policy.messages_a_day:
        return next_morning
    return None


def _morning(day: date, zone: ZoneInfo, policy: SendingPolicy) -> datetime:
    return datetime.combine(day, policy.quiet_until, zone)
