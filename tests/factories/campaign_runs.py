"""Campaigns that run, for tests: the clock that begins them, the workers that do what is waiting, what came of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import campaigns as jobs
from jobs.bulk import KINDS
from jobs.periodic import PeriodicRun
from loyalty.campaigns.models import Campaign, CampaignEntrance, CampaignEntry, CampaignRevision
from loyalty.campaigns.rules.documents import dump
from loyalty.campaigns.rules.entries import EntryState
from loyalty.campaigns.rules.terms import CampaignState, Terms
from loyalty.campaigns.rules.works import Work
from loyalty.campaigns.service import starting
from loyalty.coupons.models import Coupon
from loyalty.kernel import bulk
from loyalty.kernel.clock import business_date
from loyalty.kernel.timetable import Slot
from loyalty.kernel.transaction import run
from tests.factories.adjustments import work_off
from tests.factories.campaigns import SHANGHAI, make_campaign
from tests.support.containers import NullContainer, StandingClock


def pass_time(container: NullContainer, **parts: float) -> None:
    """Let the clock move on, as ``timedelta`` counts."""
    assert isinstance(container.clock, StandingClock)
    container.clock.advance(**parts)


def tick(container: NullContainer) -> None:
    """Do what the minute's jobs do, and all bulk work that follows."""
    at = container.clock.now()
    slot = Slot(at.isoformat(), business_date(at, SHANGHAI))
    jobs.keep_time(PeriodicRun(container, job="keep_time_of_campaigns", slot=slot))
    work_off(container)
    jobs.act_on_due(PeriodicRun(container, job="act_on_due_entries", slot=slot))


def entered(container: NullContainer) -> None:
    """Begin what is due and write down whom it reaches, but give nothing yet."""
    at = container.clock.now()
    run(container.database, lambda session: starting.begin_due_runs(session, zone=SHANGHAI, at=at))
    for run_id in run(container.database, bulk.list_running):
        do_pages(container, run_id, Work.ENTER)


def do_pages(container: NullContainer, run_id: int, work: Work) -> None:
    """Do all the pages of a bulk run, if it is of this work."""
    at, database = container.clock.now(), container.database
    started = run(database, lambda session: bulk.get_run(session, run_id=run_id))
    if started.kind != work:
        return
    for page in KINDS[work].steps(container, started):
        step = partial(bulk.work_page, run_id=run_id, page=page, at=at)
        if not run(database, step):
            return


def ran(container: NullContainer, terms: Terms) -> int:
    """A campaign that has been launched and done as far as it goes by now."""
    at = container.clock.now()
    campaign_id = run(container.database, lambda session: make_campaign(session, terms, at=at))
    tick(container)
    return campaign_id


def entries_of(session: Session, campaign_id: int) -> Sequence[CampaignEntry]:
    """Who entered a campaign, by member and occurrence, as they stand now."""
    query = select(CampaignEntry).where(CampaignEntry.campaign_id == campaign_id)
    ordered = query.order_by(CampaignEntry.member_id, CampaignEntry.occurrence)
    return session.scalars(ordered.execution_options(populate_existing=True)).all()


def outcomes(session: Session, campaign_id: int) -> dict[int, str]:
    """What came of each member: where the entry stands, or why they went without."""
    return {one.member_id: one.missed or one.state for one in entries_of(session, campaign_id)}


def given_of(session: Session, campaign_id: int) -> int:
    """How many entries were given what the campaign gives."""
    return Counter(one.state for one in entries_of(session, campaign_id))[EntryState.DONE]


def coupons_of(session: Session, campaign_id: int) -> dict[int, list[str]]:
    """The states of the coupons that a campaign gave, by member."""
    mine = select(Coupon.member_id, Coupon.state).where(Coupon.reference.startswith(f"campaign:{campaign_id}:"))
    found: dict[int, list[str]] = {}
    for member_id, state in session.execute(mine.order_by(Coupon.member_id, Coupon.id)):
        found.setdefault(member_id, []).append(state)
    return found


def coupon_of_campaign(session: Session, campaign_id: int, member_id: int) -> int:
    """The coupon that a member got by a campaign."""
    mine = Coupon.reference.startswith(f"campaign:{campaign_id}:"), Coupon.member_id == member_id
    return session.scalars(select(Coupon.id).where(*mine)).one()


def put_in_force(session: Session, terms: Terms, *, at: datetime) -> int:
    """A campaign that runs, whatever it would cost and whoever stands against it."""
    campaign = Campaign(title=terms.title, state=CampaignState.DRAFT, created_by="staff:7", created_at=at)
    session.add(campaign)
    session.flush()
    revision = CampaignRevision(
        campaign_id=campaign.id,
        number=1,
        terms=dump(terms),
        created_by="staff:7",
        created_at=at,
        published_by="staff:8",
        published_at=at,
    )
    session.add(revision)
    session.flush()
    campaign.revision_id, campaign.state, campaign.started_at = revision.id, CampaignState.RUNNING, at
    session.flush()
    return campaign.id


def make_entrance(session: Session, campaign_id: int, *, store_id: int | None = None, at: datetime) -> int:
    """An entrance of a campaign."""
    entrance = CampaignEntrance(
        campaign_id=campaign_id,
        kind="link",
        store_id=store_id,
        token=f"entrance-{campaign_id}-{store_id}",
        created_by="staff:7",
        created_at=at,
    )
    session.add(entrance)
    session.flush()
    return entrance.id
