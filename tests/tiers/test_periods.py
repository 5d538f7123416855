"""Which growth counts: on the edges of days, months and years, and as the sum of the entries of the period."""

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from loyalty.tiers import service
from loyalty.tiers.queries import tier_of
from loyalty.tiers.rules import Period, Policy
from tests.factories.members import make_member
from tests.factories.tiers import calendar_year, grow, make_ladder, rolling, take_back

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("policy", "earned", "seen", "growth"),
    [
        (rolling(12), "2026-03-10T00:00:00", "2027-03-09T23:59:59", 7),
        (rolling(12), "2026-03-10T23:59:59", "2027-03-10T00:00:00", 0),
        (rolling(1), "2026-01-31T12:00:00", "2026-02-28T23:59:59", 7),
        (rolling(1), "2026-01-31T12:00:00", "2026-03-01T00:00:00", 0),
        (rolling(12), "2027-02-28T12:00:00", "2028-02-27T23:59:59", 7),
        (rolling(12), "2028-02-29T12:00:00", "2029-02-27T23:59:59", 7),
        (rolling(12), "2028-02-29T12:00:00", "2029-03-01T00:00:00", 0),
        (calendar_year(), "2026-01-01T00:00:00", "2026-12-31T23:59:59", 7),
        (calendar_year(), "2025-12-31T23:59:59", "2026-01-01T00:00:00", 0),
        (Policy(), "2001-01-01T00:00:00", "2099-12-31T00:00:00", 7),
    ],
)
def test_growth_leaves_its_period_at_midnight_in_the_programmes_zone(
    session: Session, policy: Policy, earned: str, seen: str, growth: int
) -> None:
    make_ladder(session, policy=policy, at=local(earned))
    member = make_member(session)
    grow(session, member.id, 7, local(earned))

    assert tier_of(session, member_id=member.id, at=local(seen)).growth == growth


def test_a_report_that_comes_late_counts_in_the_period_in_which_it_happened(session: Session) -> None:
    make_ladder(session, policy=calendar_year(), at=local("2026-01-01T00:00:00"))
    member, told_at = make_member(session), local("2027-01-02T09:00:00")

    service.review(
        session, member_id=member.id, growth=600, reference="order:1", at=told_at,
        counted_at=local("2026-12-31T22:00:00"),
    )  # fmt: skip

    view = tier_of(session, member_id=member.id, at=told_at)
    assert (view.growth, view.level) == (0, 2)


_POLICIES = st.one_of(
    st.just(Policy()), st.just(calendar_year()), st.integers(1, 24).map(lambda months: rolling(months))
)
_DAYS = st.integers(0, 900)
_STEPS = st.lists(st.tuples(_DAYS, st.integers(0, 3_000), st.integers(0, 3_000)), max_size=8)


def _counts(policy: Policy, earned_on: date, today: date) -> bool:
    """Say the same once more in plain Python."""
    if policy.period is Period.FOR_EVER:
        return True
    if policy.period is Period.CALENDAR_YEAR:
        return earned_on.year == today.year
    month = today.year * 12 + today.month - 1 - policy.months
    last_of_month = calendar.monthrange(month // 12, month % 12 + 1)[1]
    return earned_on > date(month // 12, month % 12 + 1, min(today.day, last_of_month))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policy=_POLICIES, steps=_STEPS, seen_after=_DAYS)
def test_growth_is_the_sum_of_what_the_period_brought_less_what_was_taken_back(
    session: Session, policy: Policy, steps: list[tuple[int, int, int]], seen_after: int
) -> None:
    begin = local("2026-01-15T12:00:00")
    make_ladder(session, policy=policy, at=begin)
    member, expected = make_member(session), 0
    seen_at = begin + timedelta(days=900 + seen_after)
    for number, (days, growth, refunded) in enumerate(sorted(steps)):
        earned_at = begin + timedelta(days=days)
        grow(session, member.id, growth, earned_at, reference=f"order:{number}")
        take_back(session, member.id, refunded, f"order:{number}", seen_at)
        is_counted = _counts(policy, earned_at.astimezone(SHANGHAI).date(), seen_at.astimezone(SHANGHAI).date())
        expected += is_counted * max(0, growth - refunded)

    assert tier_of(session, member_id=member.id, at=seen_at).growth == expected
