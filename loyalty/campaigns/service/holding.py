"""Holding a campaign (活动状态): whoever gives something of it keeps it as it stands until the transaction ends.

So a pause or an end waits for the pages under way, and nothing is given once it is committed.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import Campaign, CampaignRevision
from loyalty.campaigns.queries.campaigns import read_terms
from loyalty.campaigns.rules.errors import CampaignNotFound
from loyalty.campaigns.rules.states import OVER
from loyalty.campaigns.rules.taking_part import CampaignNotYet, CampaignOver, CampaignPaused
from loyalty.campaigns.rules.terms import CampaignState, Terms


@dataclass(frozen=True, slots=True)
class HeldCampaign:
    """A campaign as it stands, and what it says now."""

    id: int
    state: CampaignState
    started_at: datetime | None
    revision_id: int
    terms: Terms

    def check_giving(self, at: datetime) -> None:
        """Refuse to give anything while the campaign gives nothing.

        Raises:
            CampaignOver, CampaignPaused, CampaignNotYet: by where it stands, and when.
        """
        if self.is_over(at):
            raise CampaignOver
        if self.state is CampaignState.PAUSED:
            raise CampaignPaused
        is_before = self.terms.starts_at is not None and at < self.terms.starts_at
        if self.state is not CampaignState.RUNNING or is_before:
            raise CampaignNotYet

    def is_over(self, at: datetime) -> bool:
        """Tell whether it gives nothing any more, whether or not a job has noticed."""
        return self.state in OVER or (self.terms.ends_at is not None and at >= self.terms.ends_at)


def hold_campaign(session: Session, *, campaign_id: int) -> HeldCampaign:
    """Keep a campaign that was published as it stands; many may do so at once.

    Raises:
        CampaignNotFound: there is no such campaign, or it was never published.
    """
    row = session.execute(
        select(
            Campaign.id, Campaign.state, Campaign.started_at, CampaignRevision.id, cast(CampaignRevision.terms, Text)
        )
        .join(CampaignRevision, CampaignRevision.id == Campaign.revision_id)
        .where(Campaign.id == campaign_id)
        .with_for_update(read=True, of=Campaign)
    ).one_or_none()
    if row is None:
        raise CampaignNotFound(campaign_id=campaign_id)
    found_id, state, started_at, revision_id, terms = row
    return HeldCampaign(found_id, CampaignState(state), started_at, revision_id, read_terms(terms))
