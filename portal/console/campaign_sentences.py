"""A campaign read aloud (活动说明): whom, when, what, how much at most, line by line, for whoever decides on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loyalty.broadcasts.rules.channels import NAMES as CHANNEL_NAMES
from loyalty.broadcasts.rules.channels import checked_channels
from loyalty.campaigns.rules.terms import (
    Action,
    At,
    BeforeExpiry,
    Birthday,
    Caps,
    GiveCoupon,
    GivePoints,
    OnEvent,
    PutTag,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Terms,
    Trigger,
    Visit,
)
from loyalty.coupons.queries import titles as coupons
from loyalty.kernel.wording import weekdays, yuan
from loyalty.segments.rules.sentences import Names, sentence
from loyalty.stores import queries as stores
from loyalty.tags import queries as tags
from portal.console.campaign_names import EVENT_NAMES, REPETITION_NAMES
from portal.console.condition_builder import names_for
from portal.console.filters import local_time

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

Line = tuple[str, str]
PAGE = "消息打开"
"""The heading of an address, which is no Chinese and set as code."""
_HOUR, _DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True)
class CampaignNames:
    """What ids in campaigns are called; one without a name shows its number."""

    conditions: Names
    stores: Mapping[int, str]
    tags: Mapping[int, str]
    coupons: Mapping[int, str]


def names_of_terms(session: "Session", several: Iterable[Terms]) -> CampaignNames:
    """Return the names of everything that some campaigns mention."""
    terms = list(several)
    actions = [action for one in terms for action in one.actions]
    store_ids = {store_id for one in terms for store_id in one.store_ids}
    tag_ids = {one.tag_id for one in actions if isinstance(one, PutTag)}
    template_ids = {one.template_id for one in actions if isinstance(one, GiveCoupon)}
    return CampaignNames(
        conditions=names_for(session, [one.audience for one in terms]),
        stores=stores.names(session, store_ids) if store_ids else {},
        tags=tags.names(session, tag_ids) if tag_ids else {},
        coupons=coupons.titles(session, template_ids) if template_ids else {},
    )


def lines_of(terms: Terms, names: CampaignNames) -> list[Line]:
    """Return all that a campaign says, each line with its heading."""
    lines = [("受众", sentence(terms.audience, names.conditions)), ("时机", trigger_words(terms.trigger))]
    lines += [("动作", action_words(action, names)) for action in terms.actions]
    lines += [(PAGE, action.page) for action in terms.actions if isinstance(action, SendMessage) and action.page]
    lines.append(("上限", caps_words(terms.caps)))
    if terms.holdout_percent:
        lines.append(("对照组", f"随机 {terms.holdout_percent}% 的会员不发放，用来对比效果"))
    if terms.store_ids:
        lines.append(("门店", "、".join(names.stores.get(one, f"门店 {one}") for one in sorted(terms.store_ids))))
    if window := window_words(terms):
        lines.append(("活动时间", window))
    lines.append(("活动规则", terms.rules_text or "（未填写）"))
    return lines


def brief(terms: Terms, names: CampaignNames) -> str:
    """Return a campaign in one sentence, for lists."""
    given = "，".join(action_words(action, names, is_brief=True) for action in terms.actions)
    return f"{trigger_words(terms.trigger)}：{given}"


def differences(terms: Terms, before: Terms, names: CampaignNames) -> list[tuple[str, str, str]]:
    """Return what a revision changed, each as its heading, the words before and the words after."""
    old, new = (_by_heading([("名称", one.title), *lines_of(one, names)]) for one in (before, terms))
    headings = [*new, *(one for one in old if one not in new)]
    return [(one, old.get(one, "无"), new.get(one, "无")) for one in headings if old.get(one) != new.get(one)]


def trigger_words(trigger: Trigger) -> str:
    """Return when a campaign goes to somebody."""
    match trigger:
        case At(starts_at=starts_at):
            return f"{local_time(starts_at)} 执行一次"
        case Recurring():
            return f"{_days(trigger)} {trigger.at:%H:%M}"
        case OnEvent(event=event, delay_minutes=delay):
            event_name = EVENT_NAMES[event].partition("（")[0]
            return f"会员{event_name}后{delay_words(delay) if delay else '立即'}"
        case Birthday(days_before=days, at=at):
            return f"会员生日{f'前 {days} 天' if days else '当天'} {at:%H:%M}"
        case Sleeping(days=days, at=at):
            return f"会员满 {days} 天没有消费时，{at:%H:%M}"
        case BeforeExpiry(days=days, points_least=least, at=at):
            return f"会员有不少于 {least:,} 积分将在 {days} 天后到期时，{at:%H:%M}"
        case Visit():
            return "会员从活动链接、二维码或菜单进来领取"
    return "发布后立即执行一次"


def action_words(action: Action, names: CampaignNames, *, is_brief: bool = False) -> str:
    """Return what one action does."""
    match action:
        case GivePoints(points=points, valid_days=days):
            return f"送 {points:,} 积分" + (f"（{days} 天有效）" if days else "")
        case GiveCoupon(template_id=template_id):
            return f"送“{names.coupons.get(template_id, f'券模板 {template_id}')}”1 张"
        case PutTag(tag_id=tag_id):
            return f"打标签“{names.tags.get(tag_id, f'标签 {tag_id}')}”"
        case SendMessage() if is_brief:
            return f"发消息“{action.title}”"
    return _message_words(action)


def caps_words(caps: Caps) -> str:
    """Return the most that a campaign gives."""
    limits = [
        f"{label} {shown}"
        for label, shown in (
            ("积分", None if caps.points is None else f"{caps.points:,}"),
            ("券", None if caps.coupons is None else f"{caps.coupons:,} 张"),
            ("费用", None if caps.fen is None else yuan(caps.fen)),
            ("人数", None if caps.members is None else f"{caps.members:,}"),
        )
        if shown is not None
    ]
    return "，".join([*limits, f"每人 {caps.times_a_member} 次"])


def window_words(terms: Terms) -> str:
    """Return from when until when a campaign gives; empty when both ends are open."""
    if terms.starts_at is None and terms.ends_at is None:
        return ""
    since = local_time(terms.starts_at) if terms.starts_at else "发布时"
    return f"{since} 起" + (f"，{local_time(terms.ends_at)} 止" if terms.ends_at else "，长期")


def delay_words(minutes: int) -> str:
    """Return a delay in its largest whole unit."""
    for unit, name in ((_DAY, "天"), (_HOUR, "小时")):
        if minutes and minutes % unit == 0:
            return f" {minutes // unit} {name}"
    return f" {minutes} 分钟"


def _message_words(action: Action) -> str:
    assert isinstance(action, SendMessage)
    ways = "、".join(CHANNEL_NAMES[channel] for channel in checked_channels(action.channels))
    return f"发消息“{action.title}”：{action.body}（依次用{ways}）"


def _days(trigger: Recurring) -> str:
    repetition = REPETITION_NAMES[trigger.repetition]
    if trigger.repetition is Repetition.WEEKLY:
        return f"每{weekdays(trigger.days)}"
    if trigger.repetition is Repetition.MONTHLY:
        return f"{repetition} {'、'.join(str(day) for day in sorted(trigger.days))} 日"
    return repetition


def _by_heading(lines: Iterable[Line]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for heading, words in lines:
        found.setdefault(heading, []).append(words)
    return {heading: "；".join(words) for heading, words in found.items()}
