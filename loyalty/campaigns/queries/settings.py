"""Reads of the settings of campaigns, and what a point is worth by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import StoredCampaignSettings
from loyalty.campaigns.rules.settings import CampaignSettings
from loyalty.checkout.queries import current_policy


@dataclass(frozen=True, slots=True)
class SavedSettings:
    """A revision of the settings, and who saved it when."""

    settings: CampaignSettings
    saved_by: str
    saved_at: datetime


def current_settings(session: Session) -> CampaignSettings:
    """Return the settings that hold; those of a new programme while none were saved."""
    saved = list_settings(session, limit=1)
    return saved[0].settings if saved else CampaignSettings()


def list_settings(session: Session, *, limit: int = 20) -> Sequence[SavedSettings]:
    """Return the latest revisions of the settings, the one that holds first."""
    row = StoredCampaignSettings
    rows = session.execute(
        select(row.approval_above_fen, row.points_per_yuan, row.saved_by, row.saved_at)
        .order_by(row.id.desc())
        .limit(limit)
    )
    return [
        SavedSettings(CampaignSettings(approval_above_fen=above, points_per_yuan=points), by, at)
        for above, points, by, at in rows
    ]


def points_per_yuan(session: Session) -> int:
    """Return how many points are worth one yuan: by the rate at the till where points pay, else by the settings."""
    policy = current_policy(session)
    return policy.points_per_yuan if policy.is_accepting_points else current_settings(session).points_per_yuan
