"""The life of a campaign (活动发布): checked, submitted, decided on by a second person, paused, resumed, ended."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from loyalty.approvals import queries as approvals
from loyalty.approvals.rules import ApprovalByMaker, ApprovalKind, makers
from loyalty.campaigns.queries.campaigns import CampaignView, get_campaign
from loyalty.campaigns.rules.errors import CampaignNotCompliant, InvalidCampaign
from loyalty.campaigns.service import drafting, life
from loyalty.kernel.errors import Conflict, InvalidInput, LoyaltyError, NotFound
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission, actor_name
from portal.console import campaign_names, forms, steps
from portal.console.access import actor, current_staff, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.campaign_check import check_of, place_name
from portal.console.campaign_editor import Outcome
from portal.console.campaign_sentences import differences, lines_of, names_of_terms
from portal.console.campaigns import page_of
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@blueprint.get("/campaigns/<int:campaign_id>/check")
@requires(Permission.CAMPAIGNS_READ)
def check_campaign(campaign_id: int) -> str:
    """Show what the draft would do, and the button that submits it; without a draft, of what is in force."""
    for_the_chain()
    return _check_page(campaign_id)


@blueprint.post("/campaigns/<int:campaign_id>/submit")
@requires(Permission.CAMPAIGNS_WRITE)
def submit_campaign(campaign_id: int) -> ResponseReturnValue:
    """Submit the draft: what is cheap is in force at once, anything else waits for a second person."""
    for_the_chain()
    here, who = container(), actor()
    at = here.clock.now()

    def submit(session: "Session") -> CampaignView:
        life.submit(session, campaign_id=campaign_id, actor=who, vault=here.vault, zone=here.zone, at=at)
        return get_campaign(session, campaign_id=campaign_id)

    try:
        campaign = run(here.database, submit)
    except (Conflict, InvalidInput, NotFound) as error:
        flash(_told(error), "danger")
        is_compliance = isinstance(error, CampaignNotCompliant)
        return (_check_page(campaign_id), status_of(error)) if is_compliance else redirect(page_of(campaign_id), 303)
    flash("已提交，等待其他有复核权限的同事处理" if campaign.is_waiting else _published(campaign), "success")
    return redirect(page_of(campaign_id), 303)


@blueprint.get("/campaigns/<int:campaign_id>/decision")
@requires(Permission.CAMPAIGNS_READ)
def campaign_decision(campaign_id: int) -> str:
    """Show who asked for what, what it costs, and read the campaign aloud for whoever decides."""
    for_the_chain()
    me = actor_name(current_staff().staff_id)

    def read(session: "Session") -> dict[str, Any]:
        campaign = get_campaign(session, campaign_id=campaign_id)
        subject = drafting.subject_of(campaign_id)
        asked = approvals.find_latest(session, kind=ApprovalKind.CAMPAIGN, subject=subject)
        draft = campaign.draft if campaign.is_waiting else None
        known = names_of_terms(session, [one.terms for one in (draft, campaign.revision) if one])
        mentioned = [asked.requested_by, asked.decided_by] if asked else []
        shown: dict[str, Any] = {"campaign": campaign, "asked": asked, "people": names_of(session, mentioned)}
        if draft is None:
            return shown
        before = campaign.revision
        return shown | {
            "lines": lines_of(draft.terms, known),
            "changes": differences(draft.terms, before.terms, known) if before else [],
            "is_mine": me in makers(draft.created_by, asked),
            "submitted": draft.forecast,
            "outcome": Outcome(check=check_of(session, draft.terms, campaign_id=campaign_id)),
        }

    known = run(container().database, read)
    return render_template(
        "console/campaign_decision.html",
        names=campaign_names,
        place_name=place_name,
        **known,
    )


@blueprint.post("/campaigns/<int:campaign_id>/decide")
@requires(Permission.CAMPAIGNS_APPROVE)
def decide_campaign(campaign_id: int) -> Response:
    """Approve or send back what another person submitted."""
    for_the_chain()
    is_approved, here = forms.is_approved(), container()
    step = partial(
        life.decide,
        campaign_id=campaign_id,
        is_approved=is_approved,
        seen_fen=forms.optional_integer("most_fen"),
        vault=here.vault,
        zone=here.zone,
    )
    try:
        done = "已通过，活动生效" if is_approved else "已退回，提交人可以修改后再提交"
        return steps.take(step, done=done, back=page_of(campaign_id))
    except ApprovalByMaker as error:
        flash(error.message, "danger")
        return redirect(url_for("console.campaign_decision", campaign_id=campaign_id), 303)


@blueprint.post("/campaigns/<int:campaign_id>/discard")
@requires(Permission.CAMPAIGNS_WRITE)
def discard_campaign_draft(campaign_id: int) -> Response:
    """Throw the draft away, and with it a campaign that was never in force."""
    back = url_for("console.campaign_list")
    return _settle(drafting.discard_draft, campaign_id, done="草稿已删除", back=back)


@blueprint.post("/campaigns/<int:campaign_id>/pause")
@requires(Permission.CAMPAIGNS_WRITE)
def pause_campaign(campaign_id: int) -> Response:
    """Give nothing for the time being."""
    return _settle(life.pause, campaign_id, done="已暂停，恢复前不再发放")


@blueprint.post("/campaigns/<int:campaign_id>/resume")
@requires(Permission.CAMPAIGNS_WRITE)
def resume_campaign(campaign_id: int) -> Response:
    """Go on."""
    return _settle(life.resume, campaign_id, done="已恢复")


@blueprint.post("/campaigns/<int:campaign_id>/end")
@requires(Permission.CAMPAIGNS_WRITE)
def end_campaign(campaign_id: int) -> Response:
    """End a campaign for good."""
    return _settle(life.end, campaign_id, done="已结束，不再发放；已发放的不受影响")


def _settle(step: Callable[..., object], campaign_id: int, *, done: str, back: str = "") -> Response:
    for_the_chain()
    return steps.take(partial(step, campaign_id=campaign_id), done=done, back=back or page_of(campaign_id))


def _check_page(campaign_id: int) -> str:
    def read(session: "Session") -> dict[str, Any]:
        campaign = get_campaign(session, campaign_id=campaign_id)
        revision = campaign.draft or campaign.revision
        assert revision is not None, "a campaign has one or the other"
        known = names_of_terms(session, [revision.terms])
        outcome = Outcome(check=check_of(session, revision.terms, campaign_id=campaign_id))
        return {"campaign": campaign, "lines": lines_of(revision.terms, known), "outcome": outcome}

    return render_template(
        "console/campaign_check.html",
        names=campaign_names,
        place_name=place_name,
        **run(container().database, read),
    )


def _told(error: LoyaltyError) -> str:
    if isinstance(error, InvalidCampaign):
        return "；".join(problem.reason for problem in error.problems)
    return error.message


def _published(campaign: CampaignView) -> str:
    return f"已发布，活动{campaign_names.STATE_NAMES[campaign.state]}"
