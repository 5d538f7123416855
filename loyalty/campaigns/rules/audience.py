"""Audience (受众): whom a campaign is for as far as one can tell today, its trigger taken as a condition too.

What members will do nobody knows: of those whom an event sets off, the ones are counted to whom it happened lately.
"""

from collections.abc import Mapping

from loyalty.campaigns.rules.terms import (
    BeforeExpiry,
    Birthday,
    CampaignEvent,
    Now,
    OnEvent,
    Sleeping,
    Terms,
    Trigger,
)
from loyalty.segments.rules import fact_types as facts
from loyalty.segments.rules.conditions import All, Condition

_LATELY = 30
"""Days of which events are counted."""
_EVENTS: Mapping[CampaignEvent, tuple[Condition, str]] = {
    CampaignEvent.ENROLLED: (facts.Enrolled(days_most=_LATELY - 1), "入会的会员"),
    CampaignEvent.PURCHASED: (facts.Frequency(within_days=_LATELY, least=1), "消费过的会员"),
    CampaignEvent.COUPON_REDEEMED: (facts.CouponUsed(within_days=_LATELY), "用过券的会员"),
}


def reached(terms: Terms) -> Condition:
    """Return the condition that finds whom a campaign would reach by what is known now."""
    triggered = _triggered(terms.trigger)
    return terms.audience if triggered is None else All((terms.audience, triggered))


def is_open(terms: Terms) -> bool:
    """Tell whether others may come than are in the audience now, so that its size bounds nothing."""
    return not isinstance(terms.trigger, Now)


def basis(terms: Terms) -> str:
    """Return in Chinese whom a forecast counts, where that is not simply the audience."""
    match terms.trigger:
        case OnEvent(event=event) if event in _EVENTS:
            return f"按最近 {_LATELY} 天内{_EVENTS[event][1]}估算"
        case OnEvent():
            return "按目前符合条件的全部会员估算，实际只有触发事件的会员参加"
        case Birthday():
            return "按填写了生日的会员估算，一年内陆续参加"
        case Sleeping(days=days):
            return f"按目前已 {days} 天未消费的会员估算，以后陆续有人参加"
        case BeforeExpiry(days=days):
            return f"按未来 {days} 天内有积分到期的会员估算，以后陆续有人参加"
    return "" if isinstance(terms.trigger, Now) else "按目前符合条件的会员估算，执行时以当时为准"


def _triggered(trigger: Trigger) -> Condition | None:
    match trigger:
        case OnEvent(event=event):
            return _EVENTS[event][0] if event in _EVENTS else None
        case Birthday():
            return facts.HasBirthday()
        case Sleeping(days=days):
            return facts.Recency(days_least=days)
        case BeforeExpiry(days=days, points_least=least):
            return facts.ExpiringPoints(least=least, within_days=days)
    return None
