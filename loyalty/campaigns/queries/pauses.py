"""Pauses of campaigns (暂停): how one stood at an instant, which its log alone has kept."""

from datetime import datetime

from sqlalchemy import BindParameter, ColumnElement, func, select

from loyalty.campaigns.models import Campaign
from loyalty.kernel.audit import AuditEntry

_PAUSE, _RESUME = "campaigns.pause", "campaigns.resume"
"""As ``loyalty.campaigns.service.life`` writes them, in the transaction of the act itself."""


def was_paused(at: BindParameter[datetime]) -> ColumnElement[bool]:
    """Tell of each campaign of a query whether it was paused at an instant; whoever acts then comes before."""
    paused = (
        select(AuditEntry.action == _PAUSE)
        .where(AuditEntry.subject == func.concat("campaign:", Campaign.id), AuditEntry.action.in_([_PAUSE, _RESUME]))
        .where(AuditEntry.recorded_at <= at)
        .order_by(AuditEntry.id.desc())
        .limit(1)
        .correlate(Campaign)
        .scalar_subquery()
    )
    return func.coalesce(paused, False)
