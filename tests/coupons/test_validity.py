"""When a coupon holds: from midnight to midnight in the programme's zone, within its windows, by the clock."""

from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.coupons.rules.errors import CouponHoursOver, CouponPeriodOver
from loyalty.coupons.rules.states import CouponState, Standing, standing
from loyalty.coupons.rules.terms import (
    BonusStep,
    CashOff,
    DaysFromIssue,
    FixedDates,
    RefundPolicy,
    Terms,
    Validity,
    Windows,
)
from loyalty.coupons.rules.unfit import Unfit, explain, unfit_of
from loyalty.coupons.rules.validity import (
    bonus_points,
    expiry_after_return,
    is_in_window,
    next_window,
    validity_of,
)
from loyalty.kernel.clock import business_date
from loyalty.kernel.local_time import Hours, LocalTime

SHANGHAI = ZoneInfo("Asia/Shanghai")
MARCH_10 = date(2026, 3, 10)
"""A Tuesday."""


def at(day: int, hour: int = 10, minute: int = 0, *, month: int = 3, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def terms_of(validity: Validity, **changes: object) -> Terms:
    return Terms(title="券", worth=CashOff(100), validity=validity, **changes)  # type: ignore[arg-type]


class TestPeriod:
    @pytest.mark.parametrize(
        ("validity", "issued_at", "usable_at", "expires_at"),
        [
            (DaysFromIssue(1), at(10), at(10), at(11, 0)),
            (DaysFromIssue(7), at(10, 23, 59), at(10, 23, 59), at(17, 0)),
            (DaysFromIssue(7), at(11, 0), at(11, 0), at(18, 0)),
            (DaysFromIssue(3, delay_days=1), at(10), at(11, 0), at(14, 0)),
            (
                DaysFromIssue(1, delay_days=1),
                at(28, month=2, year=2028),
                at(29, 0, month=2, year=2028),
                at(1, 0, year=2028),
            ),
            (DaysFromIssue(2), at(31, month=12), at(31, month=12), at(2, 0, month=1, year=2027)),
            (FixedDates(MARCH_10, MARCH_10), at(9), at(10, 0), at(11, 0)),
            (FixedDates(MARCH_10, MARCH_10), at(10, 23, 59), at(10, 23, 59), at(11, 0)),
        ],
    )
    def test_ends_at_the_midnight_after_its_last_date(
        self, validity: Validity, issued_at: datetime, usable_at: datetime, expires_at: datetime
    ) -> None:
        period = validity_of(terms_of(validity), issued_at=issued_at, zone=SHANGHAI)

        assert (period.usable_at, period.expires_at) == (usable_at, expires_at)

    def test_that_is_over_is_refused(self) -> None:
        with pytest.raises(CouponPeriodOver):
            validity_of(terms_of(FixedDates(MARCH_10, MARCH_10)), issued_at=at(11, 0), zone=SHANGHAI)

    @pytest.mark.parametrize(
        ("validity", "windows", "issued_at", "is_refused"),
        [
            (DaysFromIssue(1), Windows(hours=(Hours(660, 840),)), at(10, 13, 59), False),
            (DaysFromIssue(1), Windows(hours=(Hours(660, 840),)), at(10, 14), True),
            (DaysFromIssue(2), Windows(hours=(Hours(660, 840),)), at(10, 14), False),
            (DaysFromIssue(1, delay_days=1), Windows(hours=(Hours(660, 840),)), at(10, 14), False),
            (DaysFromIssue(1), Windows(hours=(Hours(22 * 60, 120),)), at(10, 3), False),
            (DaysFromIssue(7), Windows(weekdays=frozenset({2}), hours=(Hours(660, 840),)), at(10, 14), True),
            (FixedDates(MARCH_10, MARCH_10), Windows(hours=(Hours(660, 840),)), at(10, 14), True),
            (FixedDates(MARCH_10, date(2026, 3, 15)), Windows(weekdays=frozenset({2})), at(11), True),
            (FixedDates(MARCH_10, date(2026, 3, 15)), Windows(weekdays=frozenset({7})), at(11), False),
        ],
    )
    def test_without_an_hour_of_use_left_is_refused(
        self, validity: Validity, windows: Windows, issued_at: datetime, is_refused: bool
    ) -> None:
        terms = terms_of(validity, windows=windows)

        with pytest.raises(CouponHoursOver) if is_refused else nullcontext():
            validity_of(terms, issued_at=issued_at, zone=SHANGHAI)

    @given(
        days=st.integers(1, 400),
        delay_days=st.integers(0, 400),
        issued_at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    )
    def test_has_as_many_dates_as_the_terms_say(self, days: int, delay_days: int, issued_at: datetime) -> None:
        period = validity_of(terms_of(DaysFromIssue(days, delay_days)), issued_at=issued_at, zone=SHANGHAI)

        first = business_date(period.usable_at, SHANGHAI)
        last = business_date(period.expires_at - timedelta(microseconds=1), SHANGHAI)
        assert (first - business_date(issued_at, SHANGHAI)).days == delay_days
        assert (last - first).days == days - 1
        assert issued_at <= period.usable_at < period.expires_at


class TestReturn:
    @pytest.mark.parametrize(
        ("policy", "grace_days", "returned_at", "expires_at"),
        [
            (RefundPolicy.RETURN, 7, at(10), at(11, 0)),
            (RefundPolicy.RETURN, 7, at(11, 0), at(18, 0)),
            (RefundPolicy.RETURN, 1, at(20, 23, 59), at(21, 0)),
            (RefundPolicy.RETURN, 0, at(11, 0), None),
            (RefundPolicy.FORFEIT, 7, at(10), None),
        ],
    )
    def test_holds_for_its_own_time_or_some_days_more(
        self, policy: RefundPolicy, grace_days: int, returned_at: datetime, expires_at: datetime | None
    ) -> None:
        terms = terms_of(DaysFromIssue(1), refund=policy, refund_grace_days=grace_days)

        assert expiry_after_return(terms, expires_at=at(11, 0), at=returned_at, zone=SHANGHAI) == expires_at


class TestBonus:
    @pytest.mark.parametrize(
        ("redeemed_at", "points"),
        [
            (at(10, 23, 50), 300),
            (at(10, 23, 59), 300),
            (at(11, 0), 100),
            (at(12, 23, 59), 100),
            (at(13, 0), 0),
        ],
    )
    def test_pays_the_first_step_that_is_met(self, redeemed_at: datetime, points: int) -> None:
        terms = terms_of(DaysFromIssue(7), bonus=(BonusStep(1, 300), BonusStep(3, 100)))

        assert bonus_points(terms, usable_at=at(10, 23), redeemed_at=redeemed_at, zone=SHANGHAI) == points


class TestWindows:
    LUNCH = Windows(weekdays=frozenset({1, 2, 3, 4, 5}), hours=(Hours(660, 840),))
    NIGHT = Windows(weekdays=frozenset({5}), hours=(Hours(22 * 60, 120),))

    @pytest.mark.parametrize(
        ("windows", "day", "minute", "is_in"),
        [
            (Windows(), 10, 0, True),
            (LUNCH, 10, 659, False),
            (LUNCH, 10, 660, True),
            (LUNCH, 10, 839, True),
            (LUNCH, 10, 840, False),
            (LUNCH, 14, 700, False),
            (NIGHT, 13, 1_439, True),
            (NIGHT, 14, 0, True),
            (NIGHT, 14, 120, False),
            (NIGHT, 13, 60, False),
            (Windows(hours=(Hours(0, 1_440),)), 10, 1_439, True),
        ],
    )
    def test_hold_from_their_first_minute_until_before_their_last(
        self, windows: Windows, day: int, minute: int, is_in: bool
    ) -> None:
        assert is_in_window(windows, LocalTime(date(2026, 3, day), minute)) is is_in

    @pytest.mark.parametrize(
        ("windows", "now", "then"),
        [
            (Windows(), (10, 5), (10, 5)),
            (LUNCH, (10, 700), (10, 700)),
            (LUNCH, (10, 600), (10, 660)),
            (LUNCH, (13, 840), (16, 660)),
            (NIGHT, (14, 120), (20, 22 * 60)),
            (Windows(weekdays=frozenset({2}), hours=(Hours(60, 61),)), (10, 61), (17, 60)),
            (Windows(weekdays=frozenset({3})), (10, 5), (11, 0)),
        ],
    )
    def test_open_next(self, windows: Windows, now: tuple[int, int], then: tuple[int, int]) -> None:
        local, next_local = (LocalTime(date(2026, 3, day), minute) for day, minute in (now, then))

        assert next_window(windows, local) == next_local

    @given(
        weekdays=st.frozensets(st.integers(1, 7)),
        hours=st.lists(
            st.builds(Hours, st.integers(0, 1_439), st.integers(0, 1_440)).filter(
                lambda one: one.from_minute != one.until_minute
            ),
            max_size=3,
        ),
        offset=st.integers(0, 13),
        minute=st.integers(0, 1_439),
    )
    def test_are_open_when_they_are_said_to_open_next(
        self, weekdays: frozenset[int], hours: list[Hours], offset: int, minute: int
    ) -> None:
        windows, now = Windows(weekdays=weekdays, hours=tuple(hours)), LocalTime(MARCH_10 + timedelta(offset), minute)

        opening = next_window(windows, now)

        assert is_in_window(windows, opening)
        assert (opening.on, opening.minute) >= (now.on, now.minute)


class TestStanding:
    @pytest.mark.parametrize(
        ("state", "locked_until_at", "now", "stands"),
        [
            (CouponState.ISSUED, None, at(9), Standing.UPCOMING),
            (CouponState.ISSUED, None, at(10, 0), Standing.USABLE),
            (CouponState.ISSUED, None, at(11, 0), Standing.LAPSED),
            (CouponState.LOCKED, at(10, 12), at(10, 11, 59), Standing.LOCKED),
            (CouponState.LOCKED, at(10, 12), at(10, 12), Standing.USABLE),
            (CouponState.LOCKED, at(11, 1), at(11, 0), Standing.LOCKED),
            (CouponState.LOCKED, at(11, 1), at(11, 1), Standing.LAPSED),
            (CouponState.REDEEMED, None, at(12), Standing.USED),
            (CouponState.VOIDED, None, at(9), Standing.VOIDED),
            (CouponState.EXPIRED, None, at(10), Standing.LAPSED),
        ],
    )
    def test_follows_the_clock_whether_or_not_a_job_has_run(
        self, state: CouponState, locked_until_at: datetime | None, now: datetime, stands: Standing
    ) -> None:
        found = standing(
            state=state, usable_at=at(10, 0), expires_at=at(11, 0), locked_until_at=locked_until_at, at=now
        )

        assert found is stands

    def test_that_cannot_be_used_is_told(self) -> None:
        told = {stands: unfit_of(stands) for stands in Standing}

        assert told.pop(Standing.USABLE) is None
        assert all(reason is not None and explain(reason, {}) for reason in told.values())
        assert explain(Unfit.NOT_STARTED, {"usable_on": "2026-03-11"}) == "本券 2026年3月11日 起可用"
