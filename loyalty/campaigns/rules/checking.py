"""Checking: which campaigns may be saved. Everything wrong is named at once, in Chinese.

What may be saved can be carried out as it reads: every trigger can come, every cap allows at least one gift. Whether
it may be launched is the lint's to say.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from loyalty.broadcasts.rules.channels import checked_channels
from loyalty.broadcasts.rules.content import check_content
from loyalty.broadcasts.rules.errors import InvalidBroadcastChannels, InvalidMessageContent
from loyalty.campaigns.rules.errors import InvalidCampaign, Problem
from loyalty.campaigns.rules.holdout import HOLDOUT_PERCENT_MAX
from loyalty.campaigns.rules.messages import content_of
from loyalty.campaigns.rules.occurrences import occurrences
from loyalty.campaigns.rules.terms import (
    Action,
    At,
    BeforeExpiry,
    Birthday,
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
from loyalty.channels.rules.inducement import ValueForFollowingOrSharing, check_not_induced, check_not_luring
from loyalty.kernel.checking import ID_MAX, is_tidy, numbers
from loyalty.kernel.texts import is_storable

TITLE_LENGTH_MAX = 30
RULES_LENGTH_MAX = 3_000
ACTIONS_MAX = 10
POINTS_MAX = 1_000_000
VALID_DAYS_MAX = 3_650
DELAY_MINUTES_MAX = 30 * 24 * 60
DAYS_BEFORE_BIRTHDAY_MAX = 60
DAYS_MAX = 3_650
EXPIRY_DAYS_MAX = 365
TIMES_MAX = 366
CAP_MAX = 1_000_000_000_000
CAP_NAMES = {"points": "积分上限", "coupons": "发券上限", "fen": "费用上限", "members": "人数上限"}
_ONE_EACH = {GivePoints: "积分", SendMessage: "消息"}
"""Actions of which a campaign has one at most: more points are a larger figure, more messages a nuisance."""
_DAYS_OF = {
    Repetition.WEEKLY: (7, "每周活动须选择周一至周日中的日子"),
    Repetition.MONTHLY: (31, "每月活动须选择 1–31 日"),
}


def check_terms(terms: Terms, *, zone: ZoneInfo) -> None:
    """Refuse a campaign that may not be saved.

    Raises:
        ValueForFollowingOrSharing: it gives something of value for what WeChat forbids to pay for, or promises it.
        InvalidCampaign: it could not be carried out as it reads; with everything that is wrong.
    """
    if isinstance(terms.trigger, OnEvent) and gives_value(terms):
        check_not_induced([terms.trigger.event])
    check_not_luring([terms.title, terms.rules_text])
    for action in terms.actions:
        if isinstance(action, SendMessage):
            check_not_luring([action.title, action.body])
    check_sense(terms, zone=zone)


def check_sense(terms: Terms, *, zone: ZoneInfo) -> None:
    """Refuse a campaign that could not be carried out as it reads, whatever it promises.

    Raises:
        InvalidCampaign: with everything that is wrong.
    """
    problems = [*_texts(terms), *_trigger(terms.trigger), *_window(terms), *_actions(terms), *_caps(terms)]
    problems = problems or list(_never(terms, zone))
    if problems:
        raise InvalidCampaign(problems)


def check_follows(terms: Terms, published: Terms, *, has_started: bool) -> None:
    """Refuse to make a campaign that is in force another one: what it did so far would mean nothing.

    Raises:
        InvalidCampaign: the kind of trigger differs; or, once it has started, its instant or the holdout.
    """
    if _kind(terms.trigger) != _kind(published.trigger):
        raise InvalidCampaign([Problem("trigger", "已发布活动的触发方式不能修改，请新建活动")])
    if has_started and isinstance(terms.trigger, At) and terms.trigger != published.trigger:
        raise InvalidCampaign([Problem("trigger", "活动已经开始，不能再改开始时间")])
    if has_started and terms.holdout_percent != published.holdout_percent:
        raise InvalidCampaign([Problem("holdout_percent", "活动已经开始，不能再改对照组比例")])


def check_ahead(terms: Terms, *, at: datetime) -> None:
    """Refuse to launch what should have begun, or is over, by an instant.

    Raises:
        InvalidCampaign: its time is past.
    """
    if isinstance(terms.trigger, At) and terms.trigger.starts_at <= at:
        raise InvalidCampaign([Problem("trigger.starts_at", "计划的时间已过，请修改后再提交")])
    _not_over(terms, at)


def check_under_way(terms: Terms, *, at: datetime) -> None:
    """Refuse to let what has begun go on as something that begins later, or is over; to stop meanwhile is a pause.

    Raises:
        InvalidCampaign: its beginning is yet to come, or its end is past.
    """
    if terms.starts_at is not None and terms.starts_at > at:
        raise InvalidCampaign([Problem("starts_at", "活动已经开始，开始时间不能改到以后；暂时不发放请用暂停")])
    _not_over(terms, at)


def gives_value(terms: Terms) -> bool:
    """Tell whether a campaign gives points or coupons."""
    return any(isinstance(action, GivePoints | GiveCoupon) for action in terms.actions)


def _not_over(terms: Terms, at: datetime) -> None:
    if terms.ends_at is not None and terms.ends_at <= at:
        raise InvalidCampaign([Problem("ends_at", "结束时间已过，请修改后再提交")])


def _kind(trigger: Trigger) -> tuple[object, ...]:
    return (type(trigger), trigger.event if isinstance(trigger, OnEvent) else None)


def _texts(terms: Terms) -> Iterator[Problem]:
    if not is_tidy(terms.title, TITLE_LENGTH_MAX):
        yield Problem("title", f"活动名称须为 1–{TITLE_LENGTH_MAX} 个字，首尾没有空格")
    if len(terms.rules_text) > RULES_LENGTH_MAX or not is_storable(terms.rules_text):
        yield Problem("rules_text", f"活动规则最多 {RULES_LENGTH_MAX:,} 个字")
    if terms.segment_id is not None and not 1 <= terms.segment_id <= ID_MAX:
        yield Problem("segment_id", "分群不正确")
    yield from numbers("store_ids", "门店", terms.store_ids, least=1, most=ID_MAX)


def _trigger(trigger: Trigger) -> Iterator[Problem]:
    match trigger:
        case OnEvent(delay_minutes=delay) if not 0 <= delay <= DELAY_MINUTES_MAX:
            yield Problem("trigger.delay_minutes", "延迟须为 0 分钟至 30 天")
        case Birthday(days_before=days) if not 0 <= days <= DAYS_BEFORE_BIRTHDAY_MAX:
            yield Problem("trigger.days_before", f"提前天数须为 0–{DAYS_BEFORE_BIRTHDAY_MAX}")
        case Sleeping(days=days) if not 1 <= days <= DAYS_MAX:
            yield Problem("trigger.days", f"未消费天数须为 1–{DAYS_MAX:,}")
        case BeforeExpiry(days=days, points_least=least):
            if not 1 <= days <= EXPIRY_DAYS_MAX:
                yield Problem("trigger.days", f"到期前天数须为 1–{EXPIRY_DAYS_MAX}")
            if not 1 <= least <= CAP_MAX:
                yield Problem("trigger.points_least", "到期积分至少为 1")
        case Recurring():
            yield from _recurring(trigger)


def _recurring(trigger: Recurring) -> Iterator[Problem]:
    if trigger.repetition is Repetition.DAILY:
        if trigger.days:
            yield Problem("trigger.days", "每天重复的活动不能再选日子")
        return
    most, reason = _DAYS_OF[trigger.repetition]
    if not trigger.days or not all(1 <= day <= most for day in trigger.days):
        yield Problem("trigger.days", reason)


def _window(terms: Terms) -> Iterator[Problem]:
    starts_at, ends_at, trigger = terms.starts_at, terms.ends_at, terms.trigger
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        yield Problem("ends_at", "结束时间须晚于开始时间")
    if starts_at is not None and isinstance(trigger, Now | At):
        yield Problem("starts_at", "立即或定时执行的活动由触发方式决定开始时间，请留空")
    if isinstance(trigger, At) and ends_at is not None and ends_at <= trigger.starts_at:
        yield Problem("ends_at", "结束时间须晚于执行时间")


def _actions(terms: Terms) -> Iterator[Problem]:
    if not 1 <= len(terms.actions) <= ACTIONS_MAX:
        yield Problem("actions", f"动作须为 1–{ACTIONS_MAX} 个")
    kinds = Counter(type(action) for action in terms.actions)
    for kind, name in _ONE_EACH.items():
        if kinds[kind] > 1:
            yield Problem("actions", f"{name}最多设置一次")
    tags = [action.tag_id for action in terms.actions if isinstance(action, PutTag)]
    if len(set(tags)) < len(tags):
        yield Problem("actions", "同一个标签只需设置一次")
    for place, action in enumerate(terms.actions):
        yield from _action(f"actions[{place}]", action)


def _action(where: str, action: Action) -> Iterator[Problem]:
    match action:
        case GivePoints(points=points, valid_days=days):
            if not 1 <= points <= POINTS_MAX:
                yield Problem(f"{where}.points", f"积分须为 1–{POINTS_MAX:,}")
            if days is not None and not 1 <= days <= VALID_DAYS_MAX:
                yield Problem(f"{where}.valid_days", f"积分有效期须为 1–{VALID_DAYS_MAX:,} 天")
        case GiveCoupon(template_id=one) if not 1 <= one <= ID_MAX:
            yield Problem(f"{where}.template_id", "优惠券不正确")
        case PutTag(tag_id=one) if not 1 <= one <= ID_MAX:
            yield Problem(f"{where}.tag_id", "标签不正确")
        case SendMessage():
            yield from _message(where, action)


def _message(where: str, message: SendMessage) -> Iterator[Problem]:
    try:
        check_content(content_of(message))
    except ValueForFollowingOrSharing:
        pass  # ``check_terms`` refuses it, and the lint says why
    except InvalidMessageContent as error:
        field = "page" if error.details.get("field") == "link" else error.details.get("field")
        yield Problem(f"{where}.{field}", str(InvalidMessageContent.message))
    try:
        checked_channels(message.channels)
    except InvalidBroadcastChannels:
        yield Problem(f"{where}.channels", str(InvalidBroadcastChannels.message))


def _caps(terms: Terms) -> Iterator[Problem]:
    caps = terms.caps
    for name, label in CAP_NAMES.items():
        cap = getattr(caps, name)
        if cap is not None and not 1 <= cap <= CAP_MAX:
            yield Problem(f"caps.{name}", f"{label}须为 1–{CAP_MAX:,}，不限请留空")
    if not 1 <= caps.times_a_member <= TIMES_MAX:
        yield Problem("caps.times_a_member", f"每人参与次数须为 1–{TIMES_MAX}")
    elif caps.times_a_member > 1 and isinstance(terms.trigger, Now | At):
        yield Problem("caps.times_a_member", "只执行一次的活动，每人只能参与一次")
    if not 0 <= terms.holdout_percent <= HOLDOUT_PERCENT_MAX:
        yield Problem("holdout_percent", f"对照组比例须为 0–{HOLDOUT_PERCENT_MAX}%")
    points = sum(action.points for action in terms.actions if isinstance(action, GivePoints))
    coupons = sum(isinstance(action, GiveCoupon) for action in terms.actions)
    for name, once in (("points", points), ("coupons", coupons), ("fen", int(gives_value(terms)))):
        yield from _cap(name, getattr(caps, name), once)


def _cap(name: str, cap: int | None, once: int) -> Iterator[Problem]:
    if cap is None:
        return
    if not once:
        yield Problem(f"caps.{name}", f"活动不发放这类奖励，不能设置{CAP_NAMES[name]}")
    elif 0 < cap < once:
        yield Problem(f"caps.{name}", f"{CAP_NAMES[name]}不够发放一次")


def _never(terms: Terms, zone: ZoneInfo) -> Iterator[Problem]:
    """Yield why a campaign whose window has two ends would never do anything."""
    starts_at, ends_at, trigger = terms.starts_at, terms.ends_at, terms.trigger
    if starts_at is None or ends_at is None:
        return
    if isinstance(trigger, Recurring):
        if not list(islice(occurrences(trigger, since=starts_at, until=ends_at, zone=zone), 1)):
            yield Problem("trigger", "活动时间内没有任何一次执行，请检查日子和起止时间")
    elif isinstance(trigger, OnEvent) and (ends_at - starts_at).total_seconds() <= trigger.delay_minutes * 60:
        yield Problem("trigger.delay_minutes", "延迟比活动时间还长，不会有会员得到奖励")
