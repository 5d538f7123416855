"""The business dates that a report is asked for."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from loyalty.kernel.clock import business_date, end_of, start_of
from portal.console import forms
from portal.context import container

DAYS = 30


@dataclass(frozen=True, slots=True)
class DayRange:
    """The days from the first to the last, and the instants at which they begin and are over."""

    first: date
    last: date
    since: datetime
    until: datetime


def chosen_days() -> DayRange:
    """Return the days of this request, the last thirty unless it says otherwise."""
    zone = container().zone
    last = forms.optional_day("until") or business_date(container().clock.now(), zone)
    try:
        first = forms.optional_day("since") or last - timedelta(days=DAYS - 1)
        return DayRange(first, last, start_of(first, zone), end_of(last, zone))
    except OverflowError as error:
        raise forms.InvalidField(field="until") from error
