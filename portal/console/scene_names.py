"""What QR codes stand for, what they bring, and which of them a page is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from loyalty.arrivals.queries import SceneFilter, Span
from loyalty.referrals.rules.sharing import SCENE_KIND
from loyalty.reports.rules import days_between
from portal.console import day_ranges, forms
from portal.console.access import seen_stores

KIND_NAMES = {"store": "门店", "poster": "海报", "campaign": "活动", SCENE_KIND: "会员邀请海报"}
DAY_FIGURES = {"scans": "扫码", "people": "扫码人数", "new_followers": "新关注", "enrolled": "入会"}


@dataclass(frozen=True, slots=True)
class Days:
    """The business dates that the filter asks for."""

    first: date
    last: date
    all: Sequence[date]
    span: Span


def chosen_days() -> Days:
    """Return the days of this request, thirty unless it says otherwise.

    Raises:
        TooManyDays: none, or more than a year of them.
    """
    days = day_ranges.chosen_days()
    return Days(days.first, days.last, days_between(days.first, days.last), Span(days.since, days.until))


def chosen_scenes() -> SceneFilter:
    """Return the codes of this request; those of members' own posters only when they are asked for."""
    kind, scene_id = forms.text("kind"), forms.optional_integer("scene_id")
    if kind and kind not in KIND_NAMES:
        raise forms.InvalidField(field="kind")
    return SceneFilter(
        scene_id=scene_id,
        kind=kind or None,
        hidden_kinds=() if kind or scene_id else (SCENE_KIND,),
        store_id=forms.optional_integer("store_id"),
        store_ids=seen_stores(),
        text=forms.text("text"),
    )
