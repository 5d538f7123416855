"""Campaigns (营销活动): all of them in words, and one with what it says, what waits, its runs and its revisions.

A campaign holds for the whole chain: whoever sees a part of it reads what it says, and sees its figures on the board,
by store.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.campaigns.queries.campaigns import CampaignView, RevisionView, get_campaign, list_campaigns, list_revisions
from loyalty.campaigns.queries.runs import find_undoing, list_runs
from loyalty.campaigns.queries.used import used_of
from loyalty.campaigns.rules.states import EDITABLE
from loyalty.campaigns.rules.taking_part import CampaignPaused
from loyalty.campaigns.rules.templates import TEMPLATES
from loyalty.campaigns.rules.terms import CampaignState, Visit
from loyalty.kernel.bulk import BulkState
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import campaign_names, exports, forms, paging
from portal.console.access import current_scope, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.campaign_sentences import (
    CampaignNames,
    brief,
    caps_words,
    differences,
    lines_of,
    names_of_terms,
)
from portal.console.filters import local_time
from portal.console.lists import list_page
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

HELD = CampaignPaused.__name__
"""Why work has stopped that goes on by itself when its campaign does."""
HEADER = ("编号", "名称", "模板", "活动", "上限", "状态", "创建人", "创建时间", "开始时间", "结束时间")


@blueprint.get("/campaigns")
@requires(Permission.CAMPAIGNS_READ)
def campaign_list() -> str:
    """List the campaigns that the filter leaves, each in one sentence."""
    return list_page(
        "console/campaign_list.html",
        _campaigns(),
        named=_said,
        filters=("text", "state"),
        names=campaign_names,
        templates=TEMPLATES,
        is_chain_wide=current_scope().is_chain_wide,
    )


@blueprint.get("/campaigns.csv")
@requires(Permission.CAMPAIGNS_READ)
def export_campaigns() -> Response:
    """Download what the filter shows."""
    return exports.streamed_list("campaigns", HEADER, exports.as_rows(_campaigns(), _row, named=_named))


@blueprint.get("/campaigns/<int:campaign_id>")
@requires(Permission.CAMPAIGNS_READ)
def campaign_page(campaign_id: int) -> str:
    """Show one campaign: what it says, what waits, its runs, its revisions, and what may be done with it."""

    def read(session: "Session") -> dict[str, Any]:
        campaign = get_campaign(session, campaign_id=campaign_id)
        revisions = list_revisions(session, campaign_id=campaign_id)
        said = [one.terms for one in (*revisions, *filter(None, [campaign.draft]))]
        known = names_of_terms(session, said)
        shown = {
            "revisions": revisions,
            "says": lambda terms: lines_of(terms, known),
            "changes": _changes(campaign, revisions, known),
            "people": names_of(session, _mentioned(campaign, revisions)),
            "has_entrances": isinstance(campaign.terms.trigger, Visit),
        }
        if not current_scope().is_chain_wide:
            return shown | {"campaign": campaign}
        return shown | _work_of(session, campaign)

    return render_template(
        "console/campaign_page.html",
        editable=EDITABLE,
        templates=TEMPLATES,
        is_chain_wide=current_scope().is_chain_wide,
        names=campaign_names,
        **run(container().database, read),
    )


@blueprint.get("/campaigns/<int:campaign_id>/work")
@requires(Permission.CAMPAIGNS_READ)
def campaign_work(campaign_id: int) -> str:
    """Show the part of the page that moves while work is under way."""
    for_the_chain()

    def read(session: "Session") -> dict[str, Any]:
        return _work_of(session, get_campaign(session, campaign_id=campaign_id))

    return render_template("console/_campaign_work.html", names=campaign_names, **run(container().database, read))


def page_of(campaign_id: int) -> str:
    """Return the address of a campaign's page."""
    return url_for("console.campaign_page", campaign_id=campaign_id)


def _work_of(session: "Session", campaign: CampaignView) -> dict[str, Any]:
    cursor = paging.cursor()
    runs = list_runs(session, campaign_id=campaign.id, cursor=cursor)
    undoing = find_undoing(session, campaign_id=campaign.id)
    is_undoing = undoing is not None and undoing.state is BulkState.RUNNING
    works = [undoing, *(work for one in runs.items for work in (one.entering, one.acting))]
    is_running = campaign.state is CampaignState.RUNNING
    return {
        "campaign": campaign,
        "runs": runs,
        "undoing": undoing,
        "used": used_of(session, campaign_id=campaign.id) if campaign.revision else {},
        "is_stopped": any(one is not None and one.state is BulkState.PAUSED and one.error != HELD for one in works),
        "is_moving": is_undoing or any(one.is_moving for one in runs.items) or (is_running and not runs.items),
        "work_address": url_for("console.campaign_work", campaign_id=campaign.id, cursor=cursor),
        "is_first": cursor is None,
        "address": partial(url_for, "console.campaign_page", campaign_id=campaign.id),
        "BulkState": BulkState,
        "held": HELD,
    }


def _changes(
    campaign: CampaignView, revisions: Sequence[RevisionView], known: CampaignNames
) -> dict[int, list[tuple[str, str, str]]]:
    """Return of each revision but the first what it changed of the one before, by its id."""
    several = [*filter(None, [campaign.draft]), *revisions]
    pairs = zip(several, several[1:], strict=False)
    return {one.id: differences(one.terms, before.terms, known) for one, before in pairs}


def _mentioned(campaign: CampaignView, revisions: Sequence[RevisionView]) -> set[str | None]:
    several = [*filter(None, [campaign.draft]), *revisions]
    return {campaign.created_by} | {name for one in several for name in (one.created_by, one.published_by)}


def _campaigns() -> Callable[..., Page[CampaignView]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    state = forms.optional_choice("state", CampaignState)
    return partial(list_campaigns, states=[state] if state else (), text=forms.text("text"))


def _said(session: "Session", campaigns: Sequence[CampaignView]) -> dict[str, Any]:
    known = names_of_terms(session, [one.terms for one in campaigns])
    return {"says": lambda terms: brief(terms, known)}


def _named(session: "Session", campaigns: Sequence[CampaignView]) -> dict[str, Any]:
    return {
        "known": names_of_terms(session, [one.terms for one in campaigns]),
        "people": names_of(session, [one.created_by for one in campaigns]),
    }


def _row(campaign: CampaignView, *, known: CampaignNames, people: dict[str, str]) -> exports.Row:
    template = TEMPLATES.get(campaign.template or "")
    return (
        campaign.id,
        campaign.title,
        template.name if template else "",
        brief(campaign.terms, known),
        caps_words(campaign.terms.caps),
        campaign_names.STATE_NAMES[campaign.state],
        people.get(campaign.created_by, campaign.created_by),
        local_time(campaign.created_at),
        local_time(campaign.started_at),
        local_time(campaign.ended_at),
    )
