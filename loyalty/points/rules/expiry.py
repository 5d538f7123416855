"""Expiry policies (积分有效期) as data, and when points earned under one expire.

Points live to the end of a business date in the programme's zone. Whatever the policy, they do not expire before
the member was told of it, or was given two graces (延期): see ``GRACE_DAYS``.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.kernel.clock import business_date, end_of, months_after
from loyalty.kernel.errors import InvalidInput

GRACE_DAYS = 30
"""How long points live on when nothing shows that their member was told of their expiry."""
GRACES_MAX = 2
"""How often; then the inbox message and the rules shown at enrolment suffice."""
NOTICE_DAYS = (30, 7, 1)
"""How many days before their last day a member is told, furthest first."""
_YEAR_MAX = 2200


class PolicyKind(StrEnum):
    """How the last day of points is reckoned."""

    NEVER = "never"
    ROLLING_DAYS = "rolling_days"
    ROLLING_MONTHS = "rolling_months"
    END_OF_MONTH = "end_of_month"
    END_OF_YEAR = "end_of_year"
    FIXED_DATE = "fixed_date"
    SINCE_LAST_ACTIVITY = "since_last_activity"


PERIODS: Mapping[PolicyKind, tuple[int, int]] = {
    PolicyKind.ROLLING_DAYS: (0, 3_660),
    PolicyKind.ROLLING_MONTHS: (1, 120),
    PolicyKind.END_OF_MONTH: (0, 120),
    PolicyKind.END_OF_YEAR: (0, 10),
    PolicyKind.SINCE_LAST_ACTIVITY: (1, 3_660),
}
"""The fewest and the most periods of the policies that count any: days, months, months, years, days."""


class InvalidExpiryPolicy(InvalidInput):
    """The policy is unknown, or lacks its number of periods or its date, or they are out of range."""

    code = "invalid_expiry_policy"
    message = "积分有效期设置不正确"


@dataclass(frozen=True, slots=True)
class ExpiryPolicy:
    """One policy: its kind, with a number of periods or a date where the kind needs one."""

    kind: PolicyKind
    n: int | None = None
    on: date | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the policy as it is stored: ``{"kind": …, "n": …, "on": …}``."""
        return {"kind": self.kind.value, "n": self.n, "on": self.on.isoformat() if self.on else None}


NEVER = ExpiryPolicy(PolicyKind.NEVER)
DEFAULT_POLICY = ExpiryPolicy(PolicyKind.ROLLING_MONTHS, n=12)
"""What a programme begins with."""


@dataclass(frozen=True, slots=True)
class LotTerms:
    """How long one credit lives: to an instant, or for some days after the account's last activity."""

    expires_at: datetime | None = None
    idle_days: int | None = None
    idle_zone: str | None = None
    """The zone in which the days of inactivity end."""


def policy_of(data: Mapping[str, Any]) -> ExpiryPolicy:
    """Read a policy as it is stored or as a form sends it.

    Raises:
        InvalidExpiryPolicy: it says nothing that could be reckoned.
    """
    try:
        kind = PolicyKind(data["kind"])
        on = data.get("on")
        day = date.fromisoformat(on) if isinstance(on, str) and kind is PolicyKind.FIXED_DATE else on
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidExpiryPolicy(policy=str(data.get("kind"))) from error
    policy = ExpiryPolicy(
        kind, n=data.get("n") if kind in PERIODS else None, on=day if kind is PolicyKind.FIXED_DATE else None
    )
    check_policy(policy)
    return policy


def check_policy(policy: ExpiryPolicy) -> None:
    """Refuse a policy that could not be reckoned on every day.

    Raises:
        InvalidExpiryPolicy: its periods or its date are missing or out of range.
    """
    if policy.kind in PERIODS:
        low, high = PERIODS[policy.kind]
        is_number = isinstance(policy.n, int) and not isinstance(policy.n, bool)
        if not is_number or not low <= (policy.n or 0) <= high:
            raise InvalidExpiryPolicy(field="n", reason=f"{low} to {high}")
    if policy.kind is PolicyKind.FIXED_DATE and not (
        isinstance(policy.on, date) and 2000 <= policy.on.year < _YEAR_MAX
    ):
        raise InvalidExpiryPolicy(field="on", reason="a date")


def expires_at(policy: ExpiryPolicy, earned_at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first instant at which points earned at ``earned_at`` can no longer be spent.

    None when that is never, or depends on what the member does (``since_last_activity``): see ``lot_terms``.
    """
    last = last_day(policy, business_date(earned_at, zone))
    return None if last is None else end_of(last, zone)


def lot_terms(policy: ExpiryPolicy, earned_at: datetime, zone: ZoneInfo) -> LotTerms:
    """Return the terms of points earned at ``earned_at``, for ``earn`` to write into their lot."""
    if policy.kind is PolicyKind.SINCE_LAST_ACTIVITY:
        return LotTerms(idle_days=policy.n, idle_zone=zone.key)
    return LotTerms(expires_at=expires_at(policy, earned_at, zone))


def last_day(policy: ExpiryPolicy, earned_on: date) -> date | None:
    """Return the last business date on which points earned on a business date can be spent, if it is known."""
    n = policy.n or 0
    match policy.kind:
        case PolicyKind.ROLLING_DAYS:
            return earned_on + timedelta(days=n)
        case PolicyKind.ROLLING_MONTHS:
            return months_after(earned_on, n)
        case PolicyKind.END_OF_MONTH:
            return _end_of_month(months_after(earned_on.replace(day=1), n))
        case PolicyKind.END_OF_YEAR:
            return date(earned_on.year + n, 12, 31)
        case PolicyKind.FIXED_DATE:
            return policy.on
        case _:
            return None


def sentence(policy: ExpiryPolicy) -> str:
    """Say a policy as one Chinese sentence, as members read it at enrolment."""
    n = policy.n or 0
    match policy.kind:
        case PolicyKind.ROLLING_DAYS:
            return f"积分自获得次日起{n}天内有效，到期日24点失效" if n else "积分仅在获得当日有效"
        case PolicyKind.ROLLING_MONTHS:
            return f"积分自获得之日起{n}个月内有效，到期日24点失效"
        case PolicyKind.END_OF_MONTH:
            return f"积分在获得{f'后第{n}个月' if n else '当月'}的最后一天24点失效"
        case PolicyKind.END_OF_YEAR:
            year = {0: "当年", 1: "次年"}.get(n, f"后第{n}年")
            return f"积分在获得{year}的12月31日24点失效"
        case PolicyKind.FIXED_DATE:
            day = policy.on or date.max
            return f"积分有效期至{day.year}年{day.month}月{day.day}日24点"
        case PolicyKind.SINCE_LAST_ACTIVITY:
            return f"连续{n}天没有获得或使用积分，积分失效"
        case PolicyKind.NEVER:
            return "积分长期有效"


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
