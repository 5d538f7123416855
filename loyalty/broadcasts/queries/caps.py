"""Frequency caps (营销频次): who has had as many marketing messages as a day or a week allows."""

from datetime import date

from sqlalchemy import ColumnElement, and_, or_

from loyalty.broadcasts.models import MarketingCount
from loyalty.broadcasts.rules.policy import PushPolicy, week_on


def is_full(policy: PushPolicy, *, today: date) -> ColumnElement[bool]:
    """Tell of the count of a member, which is none before the first message, whether no more goes today."""
    row = MarketingCount
    is_day_full = and_(row.day_on == today, row.day_count >= policy.messages_a_day)
    is_week_full = and_(row.week_on == week_on(today), row.week_count >= policy.messages_a_week)
    return or_(is_day_full, is_week_full)
