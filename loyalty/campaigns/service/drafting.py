"""Drafting campaigns (草稿): what a campaign shall say, or say next, until it is submitted.

What passes here can be carried out as it reads; whether it may be launched is for ``life.submit`` to say.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from loyalty.campaigns.models import Campaign, CampaignRevision
from loyalty.campaigns.queries.campaigns import terms_of
from loyalty.campaigns.queries.facts import check_facts
from loyalty.campaigns.queries.used import check_caps
from loyalty.campaigns.rules.checking import check_follows, check_terms
from loyalty.campaigns.rules.documents import dump
from loyalty.campaigns.rules.errors import (
    CampaignHasEntrances,
    CampaignNotFound,
    CampaignNotInState,
    CampaignWaiting,
    NoCampaignDraft,
)
from loyalty.campaigns.rules.states import EDITABLE
from loyalty.campaigns.rules.terms import CampaignState, Terms
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json


def subject_of(campaign_id: int) -> str:
    """Return what audit log and approvals call a campaign."""
    return f"campaign:{campaign_id}"


def create_campaign(
    session: Session, *, terms: Terms, template: str | None = None, actor: Actor, zone: ZoneInfo, at: datetime
) -> int:
    """Make a campaign with its first draft (草稿); return its id. ``template`` is the ready-made one it came from.

    Raises:
        ValueForFollowingOrSharing: it gives or promises something of value for following or sharing.
        InvalidCampaign: it could not be carried out as it reads.
    """
    campaign = Campaign(
        title=terms.title, state=CampaignState.DRAFT, template=template, created_by=actor.name, created_at=at
    )
    session.add(campaign)
    session.flush()
    save_draft(session, campaign_id=campaign.id, terms=terms, actor=actor, zone=zone, at=at)
    return campaign.id


def save_draft(session: Session, *, campaign_id: int, terms: Terms, actor: Actor, zone: ZoneInfo, at: datetime) -> int:
    """Keep what the next revision shall say, in place of an earlier draft; return the revision's id.

    A campaign that is in force goes on as it is until the draft is put in force too (修订).

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignNotInState: it is over.
        CampaignWaiting: an earlier draft was submitted, and nobody has decided yet.
        ValueForFollowingOrSharing: it gives or promises something of value for following or sharing.
        InvalidCampaign: it could not be carried out as it reads, would be another campaign than the one in force, or
            has a cap below what was given already.
    """
    campaign = locked(session, campaign_id)
    draft = find_draft(session, campaign_id)
    if draft is not None and draft.forecast is not None:
        raise CampaignWaiting
    require(campaign, *EDITABLE)
    check(session, campaign, terms, zone)
    draft = draft or CampaignRevision(campaign_id=campaign_id, number=_next_number(session, campaign_id))
    before = draft.terms if draft.id else None
    draft.terms, draft.created_by, draft.created_at = dump(terms), actor.name, at
    if campaign.revision_id is None:
        campaign.title = terms.title
    session.add(draft)
    session.flush()
    note(session, "save_draft", campaign_id, before, draft.terms, actor, at)
    return draft.id


def discard_draft(session: Session, *, campaign_id: int, actor: Actor, at: datetime) -> None:
    """Throw the draft away; a campaign of which nothing was ever in force goes with it.

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignWaiting: it was submitted, and nobody has decided yet.
        NoCampaignDraft: there is no draft.
        CampaignHasEntrances: it was never in force, and ways into it were made already.
    """
    campaign = locked(session, campaign_id)
    draft = unsubmitted(session, campaign_id)
    before = draft.terms
    session.execute(delete(CampaignRevision).where(CampaignRevision.id == draft.id))
    if campaign.revision_id is None:
        _remove(session, campaign)
    note(session, "discard_draft", campaign_id, before, None, actor, at)


def _remove(session: Session, campaign: Campaign) -> None:
    session.delete(campaign)
    try:
        session.flush()
    except IntegrityError as error:  # the transaction is lost
        raise CampaignHasEntrances(campaign_id=campaign.id) from error


def check(session: Session, campaign: Campaign, terms: Terms, zone: ZoneInfo) -> None:
    """Refuse what could not be carried out, or would not follow from what is in force.

    Raises:
        ValueForFollowingOrSharing: it gives or promises something of value for following or sharing.
        InvalidCampaign: see ``save_draft``.
    """
    check_terms(terms, zone=zone)
    check_facts(session, terms)
    if campaign.revision_id is not None:
        has_started = campaign.started_at is not None
        check_follows(terms, terms_of(session, revision_id=campaign.revision_id), has_started=has_started)
        check_caps(session, terms.caps, campaign_id=campaign.id)


def locked(session: Session, campaign_id: int) -> Campaign:
    """Hold a campaign until the transaction ends.

    Raises:
        CampaignNotFound: there is no such campaign.
    """
    campaign = session.scalars(
        select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if campaign is None:
        raise CampaignNotFound(campaign_id=campaign_id)
    return campaign


def require(campaign: Campaign, *states: CampaignState) -> None:
    """Refuse what the state of a campaign does not allow.

    Raises:
        CampaignNotInState: it is in none of these.
    """
    if campaign.state not in states:
        raise CampaignNotInState(state=campaign.state)


def unsubmitted(session: Session, campaign_id: int) -> CampaignRevision:
    """Return the draft of a campaign, which may still change.

    Raises:
        NoCampaignDraft: there is none.
        CampaignWaiting: it was submitted, and nobody has decided yet.
    """
    draft = find_draft(session, campaign_id)
    if draft is None:
        raise NoCampaignDraft
    if draft.forecast is not None:
        raise CampaignWaiting
    return draft


def find_draft(session: Session, campaign_id: int) -> CampaignRevision | None:
    """Return the revision of a campaign that is not published, submitted or not."""
    return session.scalars(
        select(CampaignRevision)
        .where(CampaignRevision.campaign_id == campaign_id, CampaignRevision.published_at.is_(None))
        .execution_options(populate_existing=True)
    ).one_or_none()


def _next_number(session: Session, campaign_id: int) -> int:
    highest: Any = select(func.max(CampaignRevision.number))
    return (session.scalar(highest.where(CampaignRevision.campaign_id == campaign_id)) or 0) + 1


def note(
    session: Session, verb: str, campaign_id: int, before: Json | None, after: Json | None, actor: Actor, at: datetime
) -> None:
    """Write an act on a campaign into the audit log."""
    action, subject = f"campaigns.{verb}", subject_of(campaign_id)
    audit.write(session, actor=actor, action=action, subject=subject, before=before, after=after, at=at)
