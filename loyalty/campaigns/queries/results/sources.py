"""The entries that results are about, and how figures of them are grouped: in all, by way, by store and by day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, Text, case, cast, func, literal, select, tuple_

from loyalty.campaigns.models import CampaignEntrance, CampaignEntry, CampaignRun
from loyalty.campaigns.rules.results import Figures, Way
from loyalty.campaigns.rules.works import OPEN, reference_of
from loyalty.stores.rules import StoreScope


@dataclass(frozen=True, slots=True)
class Grouped:
    """Figures in all, and the same by how members came, by store of the entry and by business date."""

    total: list[Figures] = field(default_factory=list)
    ways: dict[Way, Figures] = field(default_factory=dict)
    stores: dict[int | None, Figures] = field(default_factory=dict)
    days: dict[date, Figures] = field(default_factory=dict)

    def add(self, rows: Iterable[Any]) -> None:
        """Add what a statement of ``grouped`` found."""
        for row in rows:
            values = dict(row)
            level, way, store_id, day = (values.pop(name) for name in ("level", "way", "store_id", "day"))
            found = Figures(**{name: int(value) for name, value in values.items()})
            if level == _ALL:
                self.total.append(found)
            elif level == _BY_WAY:
                self.ways[Way(way)] = self.ways.get(Way(way), Figures()) + found
            elif level == _BY_STORE:
                self.stores[store_id] = self.stores.get(store_id, Figures()) + found
            else:
                self.days[day] = self.days.get(day, Figures()) + found


_ALL, _BY_WAY, _BY_STORE = 0b111, 0b011, 0b101
"""What ``GROUPING`` says: a bit for each column that a row is not grouped by."""


def entries_of(campaign_id: int, scope: StoreScope) -> CTE:
    """Select the entries of a campaign that the scope sees, with how each came and who was given it."""
    entry, kind = CampaignEntry, CampaignEntrance.kind
    came = case((kind.is_not(None), kind), (CampaignRun.occurrence == OPEN, Way.EVENT.value), else_=Way.PUSH.value)
    found = (
        select(
            *(entry.member_id, entry.occurrence, entry.state, entry.missed, entry.points, entry.coupons),
            *(entry.store_id, entry.entered_at, entry.done_at),
            func.coalesce(entry.owner_id, entry.member_id).label("owner_id"),
            came.label("way"),
        )
        .join(CampaignRun, CampaignRun.id == entry.run_id)
        .outerjoin(CampaignEntrance, CampaignEntrance.id == entry.entrance_id)
        .where(entry.campaign_id == campaign_id)
    )
    if not scope.is_chain_wide:
        found = found.where(entry.store_id.in_(scope.store_ids))
    return found.cte("entry")


def grouped(way: Any, store_id: Any, day: ColumnElement[date], figures: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Select figures in all and by each of the three; where nothing was found, in all there is one row of nothing."""
    return select(
        func.grouping(way, store_id, day).label("level"),
        *(way.label("way"), store_id.label("store_id"), day.label("day")),
        *figures,
    ).group_by(func.grouping_sets(tuple_(), tuple_(way), tuple_(store_id), tuple_(day)))


def total(figure: Any) -> ColumnElement[int]:
    """Sum up; of nothing, nothing."""
    return func.coalesce(func.sum(figure), 0)


def prefix_of(campaign_id: int) -> str:
    """Return how the references begin of everything of value that a campaign gave."""
    return reference_of(campaign_id, "", 0).removesuffix(":0")


def occurrence_in(reference: Any, campaign_id: int) -> ColumnElement[str]:
    """Return the occurrence that stands in a reference, between the campaign and the number of the action."""
    rest = func.substr(reference, len(prefix_of(campaign_id)) + 1)
    return func.regexp_replace(rest, ":[0-9]+$", "")


def reference_to(campaign_id: int, occurrence: Any, number: Any) -> ColumnElement[str]:
    """Return the reference of what an action gave in an occurrence."""
    return literal(prefix_of(campaign_id)).concat(occurrence).concat(":").concat(cast(number, Text))
