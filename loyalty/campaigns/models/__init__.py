"""Tables of campaigns: what they say, whom they reach, and what came of it."""

from loyalty.campaigns.models.campaigns import Campaign, CampaignRevision
from loyalty.campaigns.models.entrances import CampaignEntrance, CampaignVisit
from loyalty.campaigns.models.entries import CampaignEntry, CampaignRun, CampaignTaking
from loyalty.campaigns.models.settings import StoredCampaignSettings

__all__ = [
    "Campaign",
    "CampaignEntrance",
    "CampaignEntry",
    "CampaignRevision",
    "CampaignRun",
    "CampaignTaking",
    "CampaignVisit",
    "StoredCampaignSettings",
]
