"""Entering (进入活动): who is reached by a run is written down, once, by pages of member ids or one by one.

Nothing is given here. Who is held out is decided by the draw alone, and stays in the books to measure against.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, case, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.campaigns.entrants import Reached, entrants
from loyalty.campaigns.holding_out import is_held_out
from loyalty.campaigns.models import CampaignEntry, CampaignRun
from loyalty.campaigns.queries.campaigns import terms_of
from loyalty.campaigns.rules.entries import EntryState
from loyalty.campaigns.rules.terms import Terms
from loyalty.campaigns.rules.works import ONCE, OPEN, Work, run_id_of
from loyalty.campaigns.service.holding import hold_campaign
from loyalty.kernel import bulk
from loyalty.kernel.bulk import BulkRun, PageDone
from loyalty.kernel.crypto import Vault
from loyalty.segments.matching import plan_by_sets
from loyalty.segments.service.snapshots import IDS_PER_PAGE, next_span, written


@dataclass(frozen=True, slots=True)
class Entering:
    """By which run, revision and entrance members enter, and when what they get is due."""

    campaign_id: int
    run_id: int
    revision_id: int
    terms: Terms
    due_at: datetime
    at: datetime
    entrance_id: int | None = None
    store_id: int | None = None
    """Of the entrance."""


def enter_page(
    session: Session, run: BulkRun, *, vault: Vault, zone: ZoneInfo, at: datetime, size: int = IDS_PER_PAGE
) -> PageDone:
    """Write down whom a run reaches among the next ids; after the last ones they are given what is theirs.

    Every page asks for the instant at which the run began. A campaign that is over reaches nobody any more.
    """
    started = session.get_one(CampaignRun, run_id_of(run.subject))
    campaign = hold_campaign(session, campaign_id=started.campaign_id)
    span = next_span(run, size)
    is_last, entered = span.until_id >= run.total or campaign.is_over(at), 0
    if not campaign.is_over(at):
        terms = terms_of(session, revision_id=started.revision_id)
        reached = Reached(started.started_at, zone, vault)
        plan_by_sets(session)
        found = entrants(terms, occurrence=started.occurrence, reached=reached, span=span)
        entered = enter(
            session,
            Entering(started.campaign_id, started.id, started.revision_id, terms, started.planned_for_at, at),
            found,
            is_first=started.occurrence == ONCE,
        )
    if is_last:
        total = run.figures.get("entered", 0) + entered
        bulk.start(session, kind=Work.ACT, subject=run.subject, total=total, at=at)
    return PageDone(
        cursor=span.until_id, rows=span.until_id - span.after_id, is_last=is_last, figures={"entered": entered}
    )


def enter(session: Session, entering: Entering, found: Select[Any], *, is_first: bool = False) -> int:
    """Write down who was found, as far as they have not entered as often as one may; return how many did.

    ``is_first`` says that nobody can have entered before, so that nobody need be looked up.
    """
    one, terms = found.subquery("found").c, entering.terms
    held_out = is_held_out(entering.campaign_id, one.member_id, terms.holdout_percent)
    values: dict[str, Any] = {
        "campaign_id": literal(entering.campaign_id),
        "member_id": one.member_id,
        "occurrence": one.occurrence,
        "run_id": literal(entering.run_id),
        "revision_id": literal(entering.revision_id),
        "entrance_id": literal(entering.entrance_id, CampaignEntry.entrance_id.type),
        "store_id": one.store_id if entering.entrance_id is None else literal(entering.store_id, one.store_id.type),
        "state": case((held_out, EntryState.HELD_OUT.value), else_=EntryState.WAITING.value),
        "due_at": literal(entering.due_at),
        "entered_at": literal(entering.at),
    }
    rows = select(*values.values())
    if not is_first:
        before = select(func.count()).where(
            CampaignEntry.campaign_id == entering.campaign_id,
            CampaignEntry.member_id == one.member_id,
            CampaignEntry.state != EntryState.MISSED,
        )
        rows = rows.where(before.scalar_subquery() < terms.caps.times_a_member)
    return written(session, insert(CampaignEntry).from_select(list(values), rows).on_conflict_do_nothing())


def open_run(session: Session, *, campaign_id: int, revision_id: int, at: datetime) -> int:
    """Return the run to which belongs what members set off one by one; the first to need it opens it."""
    mine = select(CampaignRun.id).where(CampaignRun.campaign_id == campaign_id, CampaignRun.occurrence == OPEN)
    known = session.scalar(mine)
    if known is None:
        values = {"campaign_id": campaign_id, "revision_id": revision_id, "occurrence": OPEN}
        session.execute(insert(CampaignRun).values(**values, planned_for_at=at, started_at=at).on_conflict_do_nothing())
        known = session.scalars(mine).one()
    return known
