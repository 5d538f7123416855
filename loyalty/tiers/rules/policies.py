"""In which period growth counts (考核周期), and how long a level outlives the growth that reached it (宽限期)."""

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loyalty.kernel.errors import InvalidInput

MONTHS_MAX = 60
GRACE_DAYS_MAX = 365


class Period(StrEnum):
    """Which growth counts on a business date."""

    FOR_EVER = "for_ever"
    """All there ever was."""
    ROLLING_MONTHS = "rolling_months"
    """That of the last months: it leaves on the same date some months later, at midnight."""
    CALENDAR_YEAR = "calendar_year"
    """That of this year; a level is kept by the growth of this year or of the last, whichever is more."""


class InvalidTierPolicy(InvalidInput):
    """The period or the grace makes no sense; ``details`` say which."""

    code = "invalid_tier_policy"
    message = "等级考核设置不正确"


@dataclass(frozen=True, slots=True)
class Policy:
    """How levels are evaluated."""

    period: Period = Period.FOR_EVER
    months: int = 12
    """How long growth counts under ``ROLLING_MONTHS``."""
    grace_days: int = 30
    """How many days a member is told of before a level is lost."""
    time_zone: str = "Asia/Shanghai"
    """In which a day, a month and a year begin: the programme's when the policy was saved."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return ZoneInfo(self.time_zone)


DEFAULT_POLICY = Policy()
"""In force until headquarters saves another."""


def check_policy(policy: Policy) -> None:
    """Refuse a policy by which nothing could be evaluated.

    Raises:
        InvalidTierPolicy: with the field and the reason.
    """
    _require(1 <= policy.months <= MONTHS_MAX, "months", f"滚动月数须为 1 到 {MONTHS_MAX}")
    _require(0 <= policy.grace_days <= GRACE_DAYS_MAX, "grace_days", f"宽限天数须为 0 到 {GRACE_DAYS_MAX}")
    try:
        ZoneInfo(policy.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidTierPolicy(field="time_zone", reason="时区不正确") from error


def sentence(policy: Policy) -> str:
    """Return a policy as one Chinese sentence."""
    counted = {
        Period.FOR_EVER: "成长值永久累计",
        Period.ROLLING_MONTHS: f"成长值按最近 {policy.months} 个月滚动累计",
        Period.CALENDAR_YEAR: "成长值按自然年累计，等级保留到次年年底",
    }[policy.period]
    grace = f"先通知会员并保留 {policy.grace_days} 天，到期仍未达标再降级" if policy.grace_days else "次日凌晨直接降级"
    return f"{counted}；达到门槛立即升级；不足以保级时，{grace}。"


def _require(is_right: bool, field: str, reason: str) -> None:
    if not is_right:
        raise InvalidTierPolicy(field=field, reason=reason)
