"""Results of campaigns (活动效果): read from the entries, the ledger, the coupons and the orders themselves.

Every figure belongs to an entry and so to its store, to how the member came, and to a day: each of the three adds up
to the same total. What a staff member does not see is not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import list_revisions
from loyalty.campaigns.queries.results.bought import compared, purchases
from loyalty.campaigns.queries.results.given import coupons_used, entered, points_used, reached
from loyalty.campaigns.queries.results.sources import Grouped, entries_of
from loyalty.campaigns.queries.settings import points_per_yuan
from loyalty.campaigns.rules.entries import MissReason
from loyalty.campaigns.rules.results import Comparison, Figures, Way
from loyalty.campaigns.rules.terms import GiveCoupon, GivePoints
from loyalty.stores.rules import StoreScope

DAYS = 30


@dataclass(frozen=True, slots=True)
class Results:
    """What a campaign came to by now."""

    total: Figures
    members: int
    """How many different ones it reached."""
    ways: Mapping[Way, Figures]
    stores: Mapping[int | None, Figures]
    """By the store of the entry; None for members without one."""
    days: Mapping[date, Figures]
    """In their order, those without anything left out."""
    missed: Mapping[MissReason, int]
    comparison: Comparison | None
    """None for a campaign without a holdout."""
    points_per_yuan: int
    observed_until: datetime | None
    """When the days after the last entry are over; None where nobody entered."""

    def cost_fen(self, figures: Figures) -> int:
        """Return what it cost by what a point is worth now."""
        return figures.cost_fen(self.points_per_yuan)


def results(
    session: Session, *, campaign_id: int, scope: StoreScope, zone: ZoneInfo, window_days: int = DAYS
) -> Results:
    """Return what came of the entries that the scope sees; purchases count for so many days after each."""
    entry, window = entries_of(campaign_id, scope), timedelta(days=window_days)
    actions = [
        (number, action)
        for revision in list_revisions(session, campaign_id=campaign_id)
        for number, action in enumerate(revision.terms.actions)
    ]
    statements = [entered(entry, campaign_id, zone), purchases(entry, campaign_id, window, zone)]
    if numbers := {number for number, action in actions if isinstance(action, GivePoints)}:
        statements.append(points_used(entry, campaign_id, numbers, zone))
    if template_ids := {action.template_id for _, action in actions if isinstance(action, GiveCoupon)}:
        statements.append(coupons_used(entry, campaign_id, template_ids, zone))
    found = Grouped()
    for statement in statements:
        found.add(session.execute(statement).mappings())
    who, figures = reached(session, entry), Figures.sum_of(found.total)
    return Results(
        total=figures,
        members=who.members,
        ways=dict(sorted(found.ways.items(), key=lambda item: (-item[1].done, item[0]))),
        stores=dict(sorted(found.stores.items(), key=lambda item: (-item[1].done, item[0] or 0))),
        days=dict(sorted(found.days.items())),
        missed=who.missed,
        comparison=compared(session, entry, window) if figures.held_out else None,
        points_per_yuan=points_per_yuan(session),
        observed_until=None if who.last_entered_at is None else who.last_entered_at + window,
    )
