"""Starting (到点执行): the life of campaigns by time, for the job that watches it each minute."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.broadcasts.queries.progress import unfinished
from loyalty.campaigns.models import Campaign, CampaignRun
from loyalty.campaigns.queries.campaigns import CampaignView, list_in_states
from loyalty.campaigns.rules.due import due_run
from loyalty.campaigns.rules.states import IN_FORCE, begins_at
from loyalty.campaigns.rules.taking_part import CampaignPaused
from loyalty.campaigns.rules.terms import At, CampaignState, Now
from loyalty.campaigns.rules.works import ONCE, OPEN, Work, run_id_of, run_subject
from loyalty.campaigns.service.life import begin, end
from loyalty.kernel import bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun, BulkState
from loyalty.segments.service.snapshots import last_member

CLOCK = Actor("system:campaigns")


def end_over(session: Session, *, at: datetime) -> Sequence[int]:
    """End the campaigns whose last instant has passed; return them."""
    over = [
        one.id
        for one in list_in_states(session, states=IN_FORCE)
        if one.terms.ends_at is not None and one.terms.ends_at <= at
    ]
    for campaign_id in over:
        end(session, campaign_id=campaign_id, actor=CLOCK, at=at)
    return over


def end_done(session: Session, *, at: datetime) -> Sequence[int]:
    """End the running campaigns that go to their audience one time, and have given and told it all; return them."""
    running = list_in_states(session, states=[CampaignState.RUNNING])
    once = [one.id for one in running if isinstance(one.terms.trigger, Now | At)]
    runs = session.execute(
        select(CampaignRun.id, CampaignRun.campaign_id)
        .where(CampaignRun.campaign_id.in_(once), CampaignRun.occurrence == ONCE)
        .order_by(CampaignRun.id)
    )
    campaign_of = {run_subject(run_id): campaign_id for run_id, campaign_id in runs}
    have_given = session.scalars(
        select(BulkRun.subject).where(
            BulkRun.kind == Work.ACT, BulkRun.subject.in_(campaign_of), BulkRun.state == BulkState.FINISHED
        )
    )
    over = set(have_given) - unfinished(session, list(campaign_of))
    done = [campaign_id for subject, campaign_id in campaign_of.items() if subject in over]
    for campaign_id in done:
        end(session, campaign_id=campaign_id, actor=CLOCK, at=at)
    return done


def start_scheduled(session: Session, *, at: datetime) -> Sequence[int]:
    """Let the scheduled campaigns whose time has come run; return them."""
    scheduled = list_in_states(session, states=[CampaignState.SCHEDULED])
    come = [one.id for one in scheduled if (begins_at(one.terms) or at) <= at]
    return [campaign_id for campaign_id in come if begin(session, campaign_id=campaign_id, at=at)]


def begin_due_runs(session: Session, *, zone: ZoneInfo, at: datetime) -> Sequence[int]:
    """Begin the runs of running campaigns that are due and have not begun, each once; return them."""
    running = list_in_states(session, states=[CampaignState.RUNNING])
    begun = [_begin_run(session, campaign, zone, at) for campaign in running]
    return [run_id for run_id in begun if run_id is not None]


def resume_held(session: Session, *, at: datetime) -> Sequence[int]:
    """Let runs go on that stopped since their campaign was paused, and is so no longer; return the bulk runs."""
    held = session.scalars(
        select(BulkRun).where(
            BulkRun.kind == Work.ACT, BulkRun.state == BulkState.PAUSED, BulkRun.error == CampaignPaused.__name__
        )
    ).all()
    going_on = [one for one in held if not _is_paused(session, run_id_of(one.subject))]
    for one in going_on:
        bulk.resume(session, run_id=one.id, at=at)
    return [one.id for one in going_on]


def _begin_run(session: Session, campaign: CampaignView, zone: ZoneInfo, at: datetime) -> int | None:
    assert campaign.revision is not None, "it runs"
    assert campaign.started_at is not None, "it runs"
    due = due_run(campaign.terms.trigger, started_at=campaign.started_at, at=at, zone=zone)
    if due is None:
        return None
    run_id: int | None = session.scalar(
        insert(CampaignRun)
        .values(
            campaign_id=campaign.id,
            revision_id=campaign.revision.id,
            occurrence=due.occurrence,
            planned_for_at=due.planned_for_at,
            started_at=at,
        )
        .on_conflict_do_nothing()
        .returning(CampaignRun.id)
    )
    if run_id is not None and due.occurrence != OPEN:
        subject, total = run_subject(run_id), last_member(session)
        bulk.start(session, kind=Work.ENTER, subject=subject, total=total, at=at)
    return run_id


def _is_paused(session: Session, run_id: int) -> bool:
    paused = (
        select(func.count())
        .select_from(CampaignRun)
        .join(Campaign, Campaign.id == CampaignRun.campaign_id)
        .where(CampaignRun.id == run_id, Campaign.state == CampaignState.PAUSED)
    )
    return bool(session.scalar(paused))
