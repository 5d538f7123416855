"""Quiet hours (免打扰): the night, in which nobody is disturbed but by the answer to what they have just done."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from loyalty.notices.rules.errors import InvalidQuietHours

BEGINS_LEAST, ENDS_LEAST, ENDS_MOST = time(20), time(6), time(12)
"""Mornings are left to what the night held back: who was not reached by 20:00 gets a grace for expiring points."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when in the evening until when in the morning, by the programme's clock."""

    begins: time = time(22)
    ends: time = time(8)

    def morning_of(self, day: date, zone: ZoneInfo) -> datetime:
        """Return the instant at which they are over on a business date."""
        return datetime.combine(day, self.ends, zone)

    def morning_after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return when the next ones are over of which the evening is still to come."""
        return self.morning_of(at.astimezone(zone).date() + timedelta(days=1), zone)

    def over_at(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """Return when the quiet hours are over into which an instant falls; None outside them."""
        local = at.astimezone(zone)
        if local.time() < self.ends:
            return self.morning_of(local.date(), zone)
        return self.morning_after(at, zone) if local.time() >= self.begins else None


def check_quiet_hours(hours: QuietHours) -> None:
    """Refuse hours that leave members no quiet night, or messages no day.

    Raises:
        InvalidQuietHours: they begin before 20:00, or end before 6:00 or after 12:00.
    """
    if hours.begins < BEGINS_LEAST or not ENDS_LEAST <= hours.ends <= ENDS_MOST:
        raise InvalidQuietHours
