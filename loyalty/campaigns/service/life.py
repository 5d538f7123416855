"""The life of a campaign (活动): submitted, approved, in force, paused, ended. Drafts are ``drafting``'s.

What is in force never changes: a change is the next revision, drafted, submitted and approved like the first. Drafting,
deciding and resuming hold the campaign's row; pausing and ending move it only from the states they may, so that of two
who act at once one is too late. Every act is audited.
"""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.orm import Session

from loyalty.approvals import queries as asked
from loyalty.approvals import service as approvals
from loyalty.approvals.rules import ApprovalKind, check_decider
from loyalty.campaigns.models import Campaign, CampaignRevision
from loyalty.campaigns.queries.campaigns import get_campaign, terms_of
from loyalty.campaigns.queries.forecast import Forecast, forecast
from loyalty.campaigns.queries.settings import current_settings
from loyalty.campaigns.rules.checking import check_ahead, check_under_way
from loyalty.campaigns.rules.errors import (
    CampaignCostsMore,
    CampaignNotCompliant,
    CampaignNotInState,
    CampaignNotWaiting,
)
from loyalty.campaigns.rules.reckoning import costs_more
from loyalty.campaigns.rules.states import BEGIN, EDITABLE, END, PAUSE, RESUME, UNDO, state_when_published
from loyalty.campaigns.rules.terms import CampaignState, Terms
from loyalty.campaigns.service.drafting import check, find_draft, locked, note, require, subject_of, unsubmitted
from loyalty.campaigns.service.messages import pause_messages, resume_messages, stop_messages
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json
from loyalty.kernel.states import advance


def submit(session: Session, *, campaign_id: int, actor: Actor, vault: Vault, zone: ZoneInfo, at: datetime) -> Forecast:
    """Submit the draft (提交); return what is forecast of it, which the revision keeps.

    What may cost no more than the settings say is in force at once; anything else waits for a second person.

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignNotInState: it is over.
        CampaignWaiting: it was submitted already.
        NoCampaignDraft: there is no draft.
        ValueForFollowingOrSharing, InvalidCampaign: by now it could not be carried out any more.
        CampaignNotCompliant: a rule of the platform or the law stands against it.
    """
    campaign = locked(session, campaign_id)
    draft = unsubmitted(session, campaign_id)
    require(campaign, *EDITABLE)
    terms, foreseen = _foresee(session, campaign, draft, vault, zone, at)
    note(session, "submit", campaign_id, None, {"revision_id": draft.id, **foreseen.to_json()}, actor, at)
    if foreseen.needs_approval(current_settings(session).approval_above_fen):
        _ask(session, campaign, draft, actor, at)
    else:
        _publish(session, campaign, draft, terms, actor, at)
    return foreseen


def decide(
    session: Session,
    *,
    campaign_id: int,
    is_approved: bool,
    seen_fen: int | None,
    actor: Actor,
    vault: Vault,
    zone: ZoneInfo,
    at: datetime,
) -> CampaignState:
    """Approve what was submitted, which is in force from then on, or send it back; return how the campaign stands.

    ``seen_fen`` is the most that whoever decides has read it can cost, None for no bound. What it costs is reckoned
    anew, and kept.

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignNotWaiting: nothing of it waits, or somebody has decided already.
        ApprovalByMaker: the decider made or submitted it.
        CampaignNotInState: it ended meanwhile; it can only be refused.
        ValueForFollowingOrSharing, InvalidCampaign: by now it could not be carried out; it can only be refused.
        CampaignNotCompliant: by now a rule stands against it, as its coupons have changed; it can only be refused.
        CampaignCostsMore: by now it may cost more than was read, by more than needs no approval.
    """
    campaign = locked(session, campaign_id)
    draft = find_draft(session, campaign_id)
    approval = asked.find_latest(session, kind=ApprovalKind.CAMPAIGN, subject=subject_of(campaign_id))
    if draft is None or draft.forecast is None or approval is None:
        raise CampaignNotWaiting
    check_decider(requested_by=draft.created_by, decider=actor.name)
    approvals.decide(session, approval_id=approval.id, is_approved=is_approved, actor=actor, at=at)
    if is_approved:
        require(campaign, *EDITABLE, CampaignState.WAITING)
        terms, foreseen = _foresee(session, campaign, draft, vault, zone, at)
        _check_seen(session, foreseen, seen_fen)
        _publish(session, campaign, draft, terms, actor, at)
    else:
        _send_back(session, campaign, draft, actor, at)
    return CampaignState(campaign.state)


def begin(session: Session, *, campaign_id: int, at: datetime) -> bool:
    """Let a scheduled campaign run, and tell whether it was scheduled until now; for the job that watches the time."""
    return advance(
        session, table=Campaign, row_id=campaign_id, to=CampaignState.RUNNING, following=BEGIN, started_at=at
    )


def pause(session: Session, *, campaign_id: int, actor: Actor, at: datetime) -> None:
    """Give nothing for the time being (暂停).

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignNotInState: it neither runs nor is scheduled.
    """
    _move(session, campaign_id, CampaignState.PAUSED, PAUSE)
    pause_messages(session, campaign_id=campaign_id, actor=actor, at=at)
    note(session, "pause", campaign_id, None, {"state": CampaignState.PAUSED}, actor, at)


def resume(session: Session, *, campaign_id: int, actor: Actor, at: datetime) -> CampaignState:
    """Go on after a pause (恢复); return whether it runs, or is scheduled still.

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignNotInState: it is not paused.
    """
    locked(session, campaign_id)  # by when it begins goes what is in force now, not what was a moment ago
    view = get_campaign(session, campaign_id=campaign_id)
    has_begun = view.started_at is not None
    to = CampaignState.RUNNING if has_begun else state_when_published(view.terms, at=at)
    started_at = view.started_at if has_begun or to is CampaignState.SCHEDULED else at
    _move(session, campaign_id, to, RESUME, started_at=started_at)
    resume_messages(session, campaign_id=campaign_id, actor=actor, at=at)
    note(session, "resume", campaign_id, None, {"state": to}, actor, at)
    return to


def end(session: Session, *, campaign_id: int, actor: Actor, at: datetime) -> None:
    """End a campaign (结束): it gives nothing any more, what was given stays, and there is no way back.

    A draft of it is thrown away with it, unless it waits, and then can only be refused.

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignNotInState: it is not in force.
    """
    _move(session, campaign_id, CampaignState.ENDED, END, ended_at=at)
    stop_messages(session, campaign_id=campaign_id, actor=actor, at=at)
    unsubmitted = CampaignRevision.published_at.is_(None) & CampaignRevision.forecast.is_(None)
    session.execute(delete(CampaignRevision).where(CampaignRevision.campaign_id == campaign_id, unsubmitted))
    note(session, "end", campaign_id, None, {"state": CampaignState.ENDED}, actor, at)


def close_undone(session: Session, *, campaign_id: int) -> None:
    """Note that what an ended campaign gave has been taken back as far as it was unused; for the undoing.

    Raises:
        CampaignNotFound: there is no such campaign.
        CampaignNotInState: it has not ended, or is undone already.
    """
    _move(session, campaign_id, CampaignState.UNDONE, UNDO)


def _check_time(campaign: Campaign, terms: Terms, at: datetime) -> None:
    if campaign.started_at is None:
        check_ahead(terms, at=at)
    else:
        check_under_way(terms, at=at)


def _foresee(
    session: Session, campaign: Campaign, draft: CampaignRevision, vault: Vault, zone: ZoneInfo, at: datetime
) -> tuple[Terms, Forecast]:
    """Return what is submitted and what is forecast of it now, which the revision keeps, if it can be carried out."""
    terms = terms_of(session, revision_id=draft.id)
    check(session, campaign, terms, zone)
    _check_time(campaign, terms, at)
    foreseen = forecast(session, terms, at=at, zone=zone, vault=vault, campaign_id=campaign.id)
    if foreseen.must_fix:
        raise CampaignNotCompliant(foreseen.must_fix)
    draft.forecast = foreseen.to_json()
    return terms, foreseen


def _check_seen(session: Session, foreseen: Forecast, seen_fen: int | None) -> None:
    leeway_fen = current_settings(session).approval_above_fen
    if costs_more(foreseen.most_fen, seen_fen=seen_fen, leeway_fen=leeway_fen):
        raise CampaignCostsMore(most_fen=foreseen.most_fen)


def _ask(session: Session, campaign: Campaign, draft: CampaignRevision, actor: Actor, at: datetime) -> None:
    if campaign.state == CampaignState.DRAFT:
        campaign.state = CampaignState.WAITING
    session.flush()
    figures = {name: (draft.forecast or {})[name] for name in ("members", "points", "coupons", "fen", "most_fen")}
    facts: Json = {"revision_id": draft.id, **figures}
    subject = subject_of(campaign.id)
    approvals.request(session, kind=ApprovalKind.CAMPAIGN, subject=subject, facts=facts, actor=actor, at=at)


def _publish(
    session: Session, campaign: Campaign, draft: CampaignRevision, terms: Terms, actor: Actor, at: datetime
) -> None:
    before: Json = {"state": campaign.state, "revision_id": campaign.revision_id}
    draft.published_by, draft.published_at = actor.name, at
    campaign.revision_id, campaign.title = draft.id, terms.title
    if campaign.started_at is None and campaign.state != CampaignState.PAUSED:
        campaign.state = state_when_published(terms, at=at)
        campaign.started_at = at if campaign.state == CampaignState.RUNNING else None
    session.flush()
    after: Json = {"state": campaign.state, "revision_id": draft.id, "terms": draft.terms}
    note(session, "publish", campaign.id, before, after, actor, at)


def _send_back(session: Session, campaign: Campaign, draft: CampaignRevision, actor: Actor, at: datetime) -> None:
    draft.forecast = None
    if campaign.state == CampaignState.WAITING:
        campaign.state = CampaignState.DRAFT
    session.flush()
    note(session, "send_back", campaign.id, None, {"revision_id": draft.id, "state": campaign.state}, actor, at)


def _move(
    session: Session,
    campaign_id: int,
    to: CampaignState,
    following: Mapping[CampaignState, frozenset[CampaignState]],
    **values: object,
) -> None:
    if advance(session, table=Campaign, row_id=campaign_id, to=to, following=following, **values):
        return
    raise CampaignNotInState(state=get_campaign(session, campaign_id=campaign_id).state.value)
