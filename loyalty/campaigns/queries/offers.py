"""What whoever comes through an entrance sees: what the campaign gives, until when, and what they were given."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.campaigns.models import CampaignEntry
from loyalty.campaigns.queries.campaigns import get_campaign
from loyalty.campaigns.queries.entrances import find_entrance
from loyalty.campaigns.rules.entering import CampaignEntranceNotFound, gains
from loyalty.campaigns.rules.entries import EntryState
from loyalty.campaigns.rules.states import OVER
from loyalty.campaigns.rules.taking_part import (
    CampaignNotByVisit,
    CampaignNotYet,
    CampaignOver,
    CampaignPaused,
)
from loyalty.campaigns.rules.terms import CampaignState, GiveCoupon, Terms, Visit
from loyalty.coupons.queries.titles import titles
from loyalty.kernel.errors import LoyaltyError
from loyalty.members.queries import family_ids


@dataclass(frozen=True, slots=True)
class TakenBefore:
    """What a member was given the last time."""

    points: int
    coupons: int
    done_at: datetime


@dataclass(frozen=True, slots=True)
class CampaignOffer:
    """A campaign as whoever comes through an entrance sees it."""

    campaign_id: int
    entrance_id: int
    title: str
    rules_text: str
    gains: list[str]
    starts_at: datetime | None
    ends_at: datetime | None
    closed: str | None
    """Why nobody can take part now, in Chinese; None while one can."""
    taken: TakenBefore | None
    times: int
    """How often the member has taken part, held out or not."""
    times_most: int

    @property
    def can_take_part(self) -> bool:
        """Whether it is worth trying; what else stands against it is said when the member tries."""
        return self.closed is None and self.times < self.times_most


def see_offer(session: Session, *, token: str, member_id: int | None, at: datetime) -> CampaignOffer:
    """Return the campaign of an entrance, for a member or for somebody who is none yet.

    Raises:
        CampaignEntranceNotFound: there is no such entrance, or its campaign was never published.
    """
    entrance = find_entrance(session, token=token)
    campaign = get_campaign(session, campaign_id=entrance.campaign_id)
    if campaign.revision is None:
        raise CampaignEntranceNotFound
    terms = campaign.revision.terms
    template_ids = [action.template_id for action in terms.actions if isinstance(action, GiveCoupon)]
    taken = [] if member_id is None else _taken(session, campaign.id, member_id)
    done = [one for one in taken if one is not None]
    return CampaignOffer(
        campaign_id=campaign.id,
        entrance_id=entrance.id,
        title=terms.title,
        rules_text=terms.rules_text,
        gains=gains(terms, titles(session, template_ids) if template_ids else {}),
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        closed=_closed(campaign.state, terms, at),
        taken=max(done, key=lambda one: one.done_at, default=None),
        times=len(taken),
        times_most=terms.caps.times_a_member,
    )


def _closed(state: CampaignState, terms: Terms, at: datetime) -> str | None:
    refusal: type[LoyaltyError] | None = None
    if not isinstance(terms.trigger, Visit):
        refusal = CampaignNotByVisit
    elif state in OVER or (terms.ends_at is not None and at >= terms.ends_at):
        refusal = CampaignOver
    elif state is CampaignState.PAUSED:
        refusal = CampaignPaused
    elif state is not CampaignState.RUNNING or (terms.starts_at is not None and at < terms.starts_at):
        refusal = CampaignNotYet
    return None if refusal is None else str(refusal.message)


def _taken(session: Session, campaign_id: int, member_id: int) -> list[TakenBefore | None]:
    """Return each time that a member took part; None for a time at which they were held out."""
    entry = CampaignEntry
    mine = select(entry.state, entry.points, entry.coupons, entry.done_at).where(
        entry.campaign_id == campaign_id,
        entry.member_id.in_(family_ids(member_id)),
        entry.state.in_([EntryState.DONE, EntryState.HELD_OUT]),
    )
    return [
        TakenBefore(row.points, row.coupons, row.done_at) if row.state == EntryState.DONE else None
        for row in session.execute(mine)
    ]
