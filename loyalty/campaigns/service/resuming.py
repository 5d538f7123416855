"""Letting a campaign's work go on (继续执行) that an error has stopped, once what caused it is mended."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignRun
from loyalty.campaigns.queries.campaigns import get_campaign
from loyalty.campaigns.rules.taking_part import CampaignPaused
from loyalty.campaigns.rules.works import Work, giver, run_subject
from loyalty.campaigns.service.drafting import subject_of
from loyalty.kernel import audit, bulk
from loyalty.kernel.audit import Actor
from loyalty.kernel.bulk import BulkRun, BulkState


def resume_work(session: Session, *, campaign_id: int, actor: Actor, at: datetime) -> Sequence[int]:
    """Let all stopped work of a campaign go on where it stopped; return the bulk runs.

    What stopped because the campaign is paused goes on by itself when the campaign does.

    Raises:
        CampaignNotFound: there is no such campaign.
        BulkRunNotInState: somebody else resumed it meanwhile.
    """
    get_campaign(session, campaign_id=campaign_id)
    run_ids = session.scalars(select(CampaignRun.id).where(CampaignRun.campaign_id == campaign_id)).all()
    subjects = [giver(campaign_id), *map(run_subject, run_ids)]
    stopped = session.scalars(
        select(BulkRun.id)
        .where(BulkRun.kind.in_(list(Work)), BulkRun.subject.in_(subjects), BulkRun.state == BulkState.PAUSED)
        .where(BulkRun.error.is_distinct_from(CampaignPaused.__name__))
        .order_by(BulkRun.id)
    ).all()
    for run_id in stopped:
        bulk.resume(session, run_id=run_id, at=at)
    if stopped:
        subject, after = subject_of(campaign_id), {"bulk_runs": list(stopped)}
        audit.write(session, actor=actor, action="campaigns.resume_work", subject=subject, after=after, at=at)
    return stopped
