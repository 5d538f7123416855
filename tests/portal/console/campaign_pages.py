"""What tests of the pages of campaigns share: where they are, what was saved last, a form as it is sent."""

from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import CampaignView, list_campaigns
from loyalty.campaigns.rules.terms import Terms
from portal.console.campaign_form import form_of
from tests.factories.campaigns import SHANGHAI

HERE = "/console/campaigns"
NOBODY = 10**12
"""A tag that nobody has."""


def newest(session: Session) -> CampaignView:
    """The campaign that was drafted last, as it stands in the database."""
    session.expire_all()
    return list_campaigns(session, limit=1).items[0]


def path_of(session: Session) -> str:
    """Where the newest campaign is."""
    return f"{HERE}/{newest(session).id}"


def typed(terms: Terms, **changes: object) -> dict[str, object]:
    """The form of terms as the page shows it, with some fields changed."""
    return form_of(terms, SHANGHAI) | changes
