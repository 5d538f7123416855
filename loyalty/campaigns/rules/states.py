"""States of campaigns: what each act asks for, so that two who act at once meet at the row."""

from collections.abc import Mapping
from datetime import datetime

from loyalty.campaigns.rules.terms import At, CampaignState, Terms

_S = CampaignState
EDITABLE = frozenset({_S.DRAFT, _S.SCHEDULED, _S.RUNNING, _S.PAUSED})
"""Of which the next revision may be drafted; what waits is decided on first, what is over stays as it was."""
IN_FORCE = frozenset({_S.SCHEDULED, _S.RUNNING, _S.PAUSED})
OVER = frozenset({_S.ENDED, _S.UNDONE})
"""Of which nothing is given any more."""

PAUSE: Mapping[CampaignState, frozenset[CampaignState]] = {
    _S.SCHEDULED: frozenset({_S.PAUSED}),
    _S.RUNNING: frozenset({_S.PAUSED}),
}
RESUME = {_S.PAUSED: frozenset({_S.RUNNING, _S.SCHEDULED})}
BEGIN = {_S.SCHEDULED: frozenset({_S.RUNNING})}
END = {state: frozenset({_S.ENDED}) for state in IN_FORCE}
UNDO = {_S.ENDED: frozenset({_S.UNDONE})}


def begins_at(terms: Terms) -> datetime | None:
    """Return before which instant a campaign does nothing; None when it begins as soon as it is published."""
    return terms.trigger.starts_at if isinstance(terms.trigger, At) else terms.starts_at


def state_when_published(terms: Terms, *, at: datetime) -> CampaignState:
    """Return how a campaign that is put in force at an instant stands: running, or scheduled for later."""
    begins = begins_at(terms)
    return CampaignState.SCHEDULED if begins is not None and begins > at else CampaignState.RUNNING
