"""What people do with campaigns in tests, at one instant, and how a campaign stands after it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import CampaignView, get_campaign
from loyalty.campaigns.rules.terms import CampaignState, Terms, Visit
from loyalty.campaigns.service.drafting import save_draft
from loyalty.kernel.audit import list_entries
from tests.factories.campaigns import MAKER, SHANGHAI

AT = datetime(2026, 3, 10, 2, tzinfo=UTC)
DAY = timedelta(days=1)
OPEN: dict[str, Any] = {"trigger": Visit()}
"""Costs without bound, so that somebody else has to approve it."""


def view(session: Session, campaign_id: int) -> CampaignView:
    session.flush()
    return get_campaign(session, campaign_id=campaign_id)


def state(session: Session, campaign_id: int) -> CampaignState:
    return view(session, campaign_id).state


def save(session: Session, campaign_id: int, terms: Terms) -> None:
    save_draft(session, campaign_id=campaign_id, terms=terms, actor=MAKER, zone=SHANGHAI, at=AT)


def actions(session: Session, campaign_id: int) -> list[str]:
    return [entry.action for entry in reversed(list_entries(session, subject=f"campaign:{campaign_id}"))]
