"""Settings of campaigns (活动设置): from what cost on a second person approves, and what a point is worth."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from loyalty.campaigns.queries.settings import current_settings, list_settings, points_per_yuan
from loyalty.campaigns.rules.settings import CampaignSettings
from loyalty.campaigns.service.settings import save_settings
from loyalty.checkout.queries import current_policy
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.figures import shown_money
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FIELDS = {"approval_above_fen": "免复核金额", "points_per_yuan": "每元积分数"}


@blueprint.get("/campaign-settings")
@requires(Permission.CAMPAIGNS_READ)
def campaign_settings() -> str:
    """Show the settings that hold, the form for others, and what held before."""
    settings = run(container().database, current_settings)
    return _page(asdict(settings) | {"approval_above_fen": shown_money(settings.approval_above_fen)})


@blueprint.post("/campaign-settings")
@requires(Permission.CAMPAIGNS_APPROVE)
def save_campaign_settings() -> ResponseReturnValue:
    """Let other settings hold for what is submitted from now on."""
    for_the_chain()
    at = container().clock.now()
    try:
        settings = CampaignSettings(
            approval_above_fen=forms.parsed_money("approval_above_fen", forms.text("approval_above_fen")),
            points_per_yuan=forms.integer("points_per_yuan"),
        )
        run(
            container().database,
            lambda session: save_settings(session, settings=settings, actor=actor(), at=at),
        )
    except InvalidInput as error:
        flash(_told(error), "danger")
        return _page({name: forms.text(name) for name in FIELDS}), status_of(error)
    flash("已保存，此后提交的活动按新设置处理", "success")
    return redirect(url_for("console.campaign_settings"), 303)


def _told(error: InvalidInput) -> str:
    if error.details.get("reason"):
        return forms.reason_of(error)
    return f"{error.message}：{FIELDS.get(str(error.details.get('field')), '')}"


def _page(values: Mapping[str, Any]) -> str:
    def read(session: "Session") -> dict[str, Any]:
        saved = list_settings(session)
        return {
            "saved": saved,
            "people": names_of(session, [one.saved_by for one in saved]),
            "is_by_the_till": current_policy(session).is_accepting_points,
            "worth": points_per_yuan(session),
        }

    return render_template(
        "console/campaign_settings.html", values=values, labels=FIELDS, **run(container().database, read)
    )
