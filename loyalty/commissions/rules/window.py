"""Windows (期限): for how long after a friend enrolled their purchases earn, and when what they earned is approved."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.commissions.rules.plan import Plan
from loyalty.kernel.clock import business_date, months_after


def is_over(plan: Plan, *, since: datetime, paid_at: datetime, zone: ZoneInfo) -> bool:
    """Tell whether a purchase comes too late: after the business date so many months after enrolment."""
    if plan.months is None:
        return False
    return business_date(paid_at, zone) > months_after(business_date(since, zone), plan.months)


def approves_at(plan: Plan, *, paid_at: datetime) -> datetime:
    """Return when the refund window of a purchase is over."""
    return paid_at + timedelta(days=plan.pending_days)
