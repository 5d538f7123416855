from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from loyalty.kernel.clock import Clock, business_date, end_of, start_of


class TestClock:
    def test_adds_the_offset_of_the_file(self, tmp_path: Path) -> None:
        offset = tmp_path / "offset"
        offset.write_text("86400")

        ahead = Clock(offset).now() - Clock().now()

        assert timedelta(hours=23) < ahead <= timedelta(days=1)

    @pytest.mark.parametrize("content", ["", "soon"])
    def test_takes_an_unreadable_offset_for_none(self, tmp_path: Path, content: str) -> None:
        offset = tmp_path / "offset"
        offset.write_text(content)

        assert abs(Clock(offset).now() - Clock().now()) < timedelta(seconds=5)


class TestBusinessDate:
    @pytest.mark.parametrize(
        ("instant", "day"),
        [
            (datetime(2026, 3, 9, 15, 59, 59, tzinfo=UTC), date(2026, 3, 9)),
            (datetime(2026, 3, 9, 16, 0, tzinfo=UTC), date(2026, 3, 10)),
            (datetime(2027, 12, 31, 16, 0, tzinfo=UTC), date(2028, 1, 1)),
            (datetime(2028, 2, 28, 16, 0, tzinfo=UTC), date(2028, 2, 29)),
        ],
    )
    def test_turns_at_midnight_in_shanghai(self, zone: ZoneInfo, instant: datetime, day: date) -> None:
        assert business_date(instant, zone) == day

    def test_a_day_starts_where_the_day_before_ends(self, zone: ZoneInfo) -> None:
        assert end_of(date(2026, 3, 9), zone) == start_of(date(2026, 3, 10), zone)
