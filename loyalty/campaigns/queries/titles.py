"""What campaigns are called: for forms that offer them, and for sentences that mention them."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import Campaign
from loyalty.campaigns.rules.terms import CampaignState

CHOICES_MAX = 500


def titles(session: Session, campaign_ids: Collection[int]) -> dict[int, str]:
    """Return what some campaigns are called."""
    return _named(session, Campaign.id.in_(campaign_ids))


def list_choices(session: Session) -> dict[int, str]:
    """Return the campaigns that were started, the newest first."""
    return _named(session, Campaign.state.not_in([CampaignState.DRAFT, CampaignState.WAITING]))


def _named(session: Session, is_wanted: ColumnElement[bool]) -> dict[int, str]:
    query = select(Campaign.id, Campaign.title).where(is_wanted).order_by(Campaign.id.desc()).limit(CHOICES_MAX)
    return {row.id: row.title for row in session.execute(query)}
