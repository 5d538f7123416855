"""Undoing a campaign (整体撤回): what would be taken back and what was used, confirmed, then done in pages."""

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.campaigns.queries.campaigns import get_campaign
from loyalty.campaigns.queries.runs import find_undoing
from loyalty.campaigns.service import undoing
from loyalty.campaigns.service.resuming import resume_work
from loyalty.campaigns.service.undo_preview import preview_undo
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import steps
from portal.console.access import for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.campaigns import page_of
from portal.console.coupon_issue_names import KEPT_NAMES
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@blueprint.get("/campaigns/<int:campaign_id>/undo")
@requires(Permission.CAMPAIGNS_UNDO)
def preview_campaign_undo(campaign_id: int) -> str:
    """Show what undoing would find at this moment."""
    for_the_chain()
    at = container().clock.now()

    def read(session: "Session") -> dict[str, Any]:
        return {
            "campaign": get_campaign(session, campaign_id=campaign_id),
            "undoing": find_undoing(session, campaign_id=campaign_id),
            "preview": preview_undo(session, campaign_id=campaign_id, at=at),
        }

    known = run(container().database, read)
    return render_template("console/campaign_undo.html", kept_names=KEPT_NAMES, **known)


@blueprint.post("/campaigns/<int:campaign_id>/undo")
@requires(Permission.CAMPAIGNS_UNDO)
def undo_campaign(campaign_id: int) -> Response:
    """Begin to undo."""
    for_the_chain()
    return steps.take(partial(undoing.undo, campaign_id=campaign_id), done="开始撤回", back=page_of(campaign_id))


@blueprint.post("/campaigns/<int:campaign_id>/resume-work")
@requires(Permission.CAMPAIGNS_WRITE)
def resume_campaign_work(campaign_id: int) -> Response:
    """Let work go on that an error has stopped."""
    for_the_chain()
    return steps.take(partial(resume_work, campaign_id=campaign_id), done="继续执行", back=page_of(campaign_id))
