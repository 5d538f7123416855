"""Messages (推送) of a campaign follow its life: they wait while it is paused, and stop when it ends."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from loyalty.broadcasts import service as broadcasts
from loyalty.broadcasts.models import Broadcast
from loyalty.broadcasts.rules.states import BroadcastState
from loyalty.campaigns.models import CampaignRun
from loyalty.campaigns.rules.works import run_subject
from loyalty.kernel.audit import Actor


def pause_messages(session: Session, *, campaign_id: int, actor: Actor, at: datetime) -> None:
    """Send nothing more of a campaign for the time being."""
    for broadcast_id in _list(session, campaign_id, BroadcastState.RUNNING):
        broadcasts.pause(session, broadcast_id=broadcast_id, actor=actor, at=at)


def resume_messages(session: Session, *, campaign_id: int, actor: Actor, at: datetime) -> None:
    """Go on sending what a pause of the campaign has left."""
    for broadcast_id in _list(session, campaign_id, BroadcastState.PAUSED):
        broadcasts.resume(session, broadcast_id=broadcast_id, actor=actor, at=at)


def stop_messages(session: Session, *, campaign_id: int, actor: Actor, at: datetime) -> None:
    """Send nothing more of a campaign for good; who still waits has it in the inbox."""
    for broadcast_id in _list(session, campaign_id, BroadcastState.RUNNING, BroadcastState.PAUSED):
        broadcasts.stop(session, broadcast_id=broadcast_id, actor=actor, at=at)


def _list(session: Session, campaign_id: int, *states: BroadcastState) -> Sequence[int]:
    runs = session.scalars(select(CampaignRun.id).where(CampaignRun.campaign_id == campaign_id))
    subjects = [run_subject(run_id) for run_id in runs]
    if not subjects:
        return []
    # Of a run that never ends there is one for each day, named after it.
    is_of_run = or_(Broadcast.subject.in_(subjects), *(Broadcast.subject.startswith(f"{one}:") for one in subjects))
    return session.scalars(
        select(Broadcast.id).where(is_of_run, Broadcast.state.in_(states)).order_by(Broadcast.id)
    ).all()
