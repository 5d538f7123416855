"""Expiry policies: the last day of points under each, around midnight, month ends, leap days and years."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.kernel.clock import business_date, end_of
from loyalty.points.rules.expiry import (
    PERIODS,
    ExpiryPolicy,
    InvalidExpiryPolicy,
    LotTerms,
    PolicyKind,
    expires_at,
    last_day,
    lot_terms,
    policy_of,
    sentence,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)


def policy(kind: str, n: int | None = None, on: str | None = None) -> ExpiryPolicy:
    return policy_of({"kind": kind, "n": n, "on": on})


@pytest.mark.parametrize(
    ("rule", "earned_on", "last_on"),
    [
        (policy("rolling_days", 0), date(2026, 3, 10), date(2026, 3, 10)),
        (policy("rolling_days", 365), date(2026, 12, 31), date(2027, 12, 31)),
        (policy("rolling_days", 1), date(2028, 2, 28), date(2028, 2, 29)),
        (policy("rolling_months", 1), date(2026, 1, 31), date(2026, 2, 28)),
        (policy("rolling_months", 1), date(2028, 1, 31), date(2028, 2, 29)),
        (policy("rolling_months", 12), date(2028, 2, 29), date(2029, 2, 28)),
        (policy("rolling_months", 12), date(2026, 12, 31), date(2027, 12, 31)),
        (policy("end_of_month", 0), date(2026, 3, 1), date(2026, 3, 31)),
        (policy("end_of_month", 0), date(2026, 3, 31), date(2026, 3, 31)),
        (policy("end_of_month", 1), date(2026, 1, 31), date(2026, 2, 28)),
        (policy("end_of_month", 12), date(2027, 2, 1), date(2028, 2, 29)),
        (policy("end_of_month", 2), date(2026, 11, 15), date(2027, 1, 31)),
        (policy("end_of_year", 0), date(2026, 12, 31), date(2026, 12, 31)),
        (policy("end_of_year", 1), date(2026, 1, 1), date(2027, 12, 31)),
        (policy("fixed_date", on="2026-06-18"), date(2026, 3, 10), date(2026, 6, 18)),
        (policy("never"), date(2026, 3, 10), None),
        (policy("since_last_activity", 365), date(2026, 3, 10), None),
    ],
    ids=str,
)
def test_the_last_day_of_points(rule: ExpiryPolicy, earned_on: date, last_on: date | None) -> None:
    assert last_day(rule, earned_on) == last_on


@pytest.mark.parametrize(
    ("earned_at", "last_on"),
    [
        (datetime(2026, 3, 9, 15, 59, 59, 999999, tzinfo=UTC), date(2026, 3, 10)),
        (datetime(2026, 3, 9, 16, 0, tzinfo=UTC), date(2026, 3, 11)),
    ],
    ids=["last instant of a day in Shanghai", "midnight in Shanghai"],
)
def test_the_day_is_that_of_the_programme_and_not_of_utc(earned_at: datetime, last_on: date) -> None:
    assert expires_at(policy("rolling_days", 1), earned_at, SHANGHAI) == end_of(last_on, SHANGHAI)


def test_points_end_at_midnight_also_where_clocks_are_changed() -> None:
    new_york = ZoneInfo("America/New_York")

    ends = expires_at(policy("rolling_days", 1), datetime(2026, 3, 7, 17, tzinfo=UTC), new_york)

    assert ends == datetime(2026, 3, 9, 4, tzinfo=UTC)  # the night in which an hour is missing


@given(
    kind=st.sampled_from(list(PERIODS)),
    n=st.integers(1, 10),
    earned_at=st.datetimes(datetime(2024, 1, 1), datetime(2034, 1, 1), timezones=st.just(UTC)),
)
def test_points_never_end_before_the_day_they_were_earned_is_over(
    kind: PolicyKind, n: int, earned_at: datetime
) -> None:
    ends = expires_at(ExpiryPolicy(kind, n), earned_at, SHANGHAI)

    assert ends is None or ends >= end_of(business_date(earned_at, SHANGHAI), SHANGHAI)
    assert ends is None or ends.astimezone(SHANGHAI).time() == datetime.min.time()


def test_terms_of_a_lot_hold_an_instant_or_days_of_inactivity() -> None:
    assert lot_terms(policy("never"), NOON, SHANGHAI) == LotTerms()
    assert lot_terms(policy("since_last_activity", 90), NOON, SHANGHAI) == LotTerms(None, 90, "Asia/Shanghai")
    assert lot_terms(policy("rolling_days", 1), NOON, SHANGHAI) == LotTerms(
        end_of(NOON.date() + timedelta(days=1), SHANGHAI)
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"kind": "never"}, "积分长期有效"),
        ({"kind": "rolling_days", "n": 0}, "积分仅在获得当日有效"),
        ({"kind": "rolling_days", "n": 30}, "积分自获得次日起30天内有效，到期日24点失效"),
        ({"kind": "rolling_months", "n": 12}, "积分自获得之日起12个月内有效，到期日24点失效"),
        ({"kind": "end_of_month", "n": 0}, "积分在获得当月的最后一天24点失效"),
        ({"kind": "end_of_month", "n": 2}, "积分在获得后第2个月的最后一天24点失效"),
        ({"kind": "end_of_year", "n": 0}, "积分在获得当年的12月31日24点失效"),
        ({"kind": "end_of_year", "n": 1}, "积分在获得次年的12月31日24点失效"),
        ({"kind": "fixed_date", "on": "2026-06-18"}, "积分有效期至2026年6月18日24点"),
        ({"kind": "since_last_activity", "n": 365}, "连续365天没有获得或使用积分，积分失效"),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else "",
)
def test_a_policy_is_one_sentence_and_is_stored_as_it_was_read(data: dict[str, Any], told: str) -> None:
    read = policy_of(data)

    assert sentence(read) == told
    assert policy_of(read.to_json()) == read


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "sometimes"},
        {"kind": "rolling_days"},
        {"kind": "rolling_days", "n": -1},
        {"kind": "rolling_days", "n": True},
        {"kind": "rolling_days", "n": "7"},
        {"kind": "rolling_months", "n": 0},
        {"kind": "rolling_months", "n": 10**9},
        {"kind": "end_of_year", "n": 11},
        {"kind": "since_last_activity", "n": 0},
        {"kind": "fixed_date"},
        {"kind": "fixed_date", "on": "2026-02-30"},
        {"kind": "fixed_date", "on": "9999-12-31"},
        {"kind": "fixed_date", "on": 20260618},
        {"kind": ["never"]},
    ],
    ids=str,
)
def test_a_policy_that_could_not_be_reckoned_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidExpiryPolicy):
        policy_of(data)
