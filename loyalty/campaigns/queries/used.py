"""What of a campaign's caps is in use."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from loyalty.campaigns.rules.checking import CAP_NAMES
from loyalty.campaigns.rules.errors import InvalidCampaign, Problem
from loyalty.campaigns.rules.limiting import CAP_OF, totals_of
from loyalty.campaigns.rules.terms import Caps
from loyalty.limits.service import used


def used_of(session: Session, *, campaign_id: int) -> Mapping[str, int]:
    """Return how much a campaign has given so far, by the names of its caps."""
    totals = totals_of(Caps(), campaign_id=campaign_id)
    return {CAP_OF[name]: used(session, limit=limit) for name, limit in totals.items()}


def check_caps(session: Session, caps: Caps, *, campaign_id: int) -> None:
    """Refuse caps below what a campaign has given already.

    Raises:
        InvalidCampaign: with each of them, and what is used.
    """
    given = used_of(session, campaign_id=campaign_id)
    caps_set = {name: getattr(caps, name) for name in CAP_NAMES}
    problems = [
        Problem(f"caps.{name}", f"{CAP_NAMES[name]}不能低于已经用掉的 {given[name]:,}")
        for name, cap in caps_set.items()
        if cap is not None and cap < given[name]
    ]
    if problems:
        raise InvalidCampaign(problems)
