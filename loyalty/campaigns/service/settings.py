"""Saving the settings of campaigns (活动参数)."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.campaigns.models import StoredCampaignSettings
from loyalty.campaigns.queries.settings import current_settings
from loyalty.campaigns.rules.settings import CampaignSettings, check_settings
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor


def save_settings(session: Session, *, settings: CampaignSettings, actor: Actor, at: datetime) -> None:
    """Let other settings hold for what is submitted from now on.

    Raises:
        InvalidCampaignSettings: a figure makes no sense.
    """
    check_settings(settings)
    before = asdict(current_settings(session))
    session.execute(insert(StoredCampaignSettings).values(**asdict(settings), saved_by=actor.name, saved_at=at))
    audit.write(
        session,
        actor=actor,
        action="campaigns.save_settings",
        subject="campaign_settings",
        before=before,
        after=asdict(settings),
        at=at,
    )
