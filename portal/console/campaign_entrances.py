"""The ways into a campaign (活动入口): links and QR codes to print, and what each brought."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.campaigns.queries.campaigns import get_campaign
from loyalty.campaigns.queries.entrances import EntranceListed, EntranceView, get_entrance, list_entrances
from loyalty.campaigns.rules.entering import PATH, CampaignEntranceNotFound
from loyalty.campaigns.rules.entries import EntranceKind
from loyalty.campaigns.rules.states import OVER
from loyalty.campaigns.rules.terms import Visit
from loyalty.campaigns.service.entrances import make_entrances
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.pagination import Page
from loyalty.kernel.qr import qr_png, qr_svg
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms, paging
from portal.console.access import actor, current_scope, for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

KIND_NAMES = {EntranceKind.LINK: "链接", EntranceKind.QR: "门店二维码", EntranceKind.MENU: "公众号菜单"}
MODULE_PIXELS = 16
HEADER = ("编号", "入口", "门店", "地址", "访问", "会员", "参加", "建立时间")


@blueprint.get("/campaigns/<int:campaign_id>/entrances")
@requires(Permission.CAMPAIGNS_READ)
def campaign_entrances(campaign_id: int) -> str:
    """List the ways into a campaign that the filter leaves."""
    cursor, entrances = paging.cursor(), _entrances(campaign_id)

    def read(session: "Session") -> dict[str, Any]:
        campaign, page = get_campaign(session, campaign_id=campaign_id), entrances(session, cursor=cursor)
        return {"campaign": campaign, "page": page, **_named(session, page.items)}

    known = run(container().database, read)
    campaign = known["campaign"]
    is_by_visit = isinstance(campaign.terms.trigger, Visit)
    return render_template(
        "console/campaign_entrances.html",
        is_first=cursor is None,
        address=paging.address,
        link_of=_link,
        kind_names=KIND_NAMES,
        filters={"kind": forms.text("kind")},
        is_by_visit=is_by_visit,
        can_make=is_by_visit and campaign.state not in OVER and current_scope().is_chain_wide,
        **known,
    )


@blueprint.get("/campaigns/<int:campaign_id>/entrances.csv")
@requires(Permission.CAMPAIGNS_READ)
def export_campaign_entrances(campaign_id: int) -> Response:
    """Download what the filter shows."""
    rows = exports.as_rows(_entrances(campaign_id), _row, named=_named)
    return exports.streamed_list("campaign-entrances", HEADER, rows)


@blueprint.post("/campaigns/<int:campaign_id>/entrances")
@requires(Permission.CAMPAIGNS_WRITE)
def make_campaign_entrances(campaign_id: int) -> Response:
    """Make the link, the menu entry, or the code of each store that has none yet."""
    for_the_chain()
    kind, at, who = forms.parsed_choice("kind", forms.text("kind"), EntranceKind), container().clock.now(), actor()
    try:
        made = run(
            container().database,
            lambda session: make_entrances(session, campaign_id=campaign_id, kind=kind, actor=who, at=at),
        )
    except LoyaltyError as error:
        flash(error.message, "danger")
    else:
        flash(f"已生成 {made} 个入口" if made else "入口都已生成过", "success" if made else "info")
    return redirect(url_for("console.campaign_entrances", campaign_id=campaign_id), 303)


@blueprint.get("/campaigns/<int:campaign_id>/entrances/<int:entrance_id>/qr.png")
@requires(Permission.CAMPAIGNS_READ)
def campaign_entrance_png(campaign_id: int, entrance_id: int) -> Response:
    """Download the code of an entrance for chats and slides."""
    entrance = _seen(campaign_id, entrance_id)
    return _download(entrance, "png", "image/png", qr_png(_link(entrance), scale=MODULE_PIXELS))


@blueprint.get("/campaigns/<int:campaign_id>/entrances/<int:entrance_id>/qr.svg")
@requires(Permission.CAMPAIGNS_READ)
def campaign_entrance_svg(campaign_id: int, entrance_id: int) -> Response:
    """Download the code of an entrance for print."""
    entrance = _seen(campaign_id, entrance_id)
    return _download(entrance, "svg", "image/svg+xml", qr_svg(_link(entrance), scale=MODULE_PIXELS))


def _entrances(campaign_id: int) -> Callable[..., Page[EntranceListed]]:
    kind = forms.optional_choice("kind", EntranceKind)
    return partial(list_entrances, campaign_id=campaign_id, scope=current_scope(), kind=kind)


def _seen(campaign_id: int, entrance_id: int) -> EntranceView:
    scope = current_scope()
    entrance = run(container().database, lambda session: get_entrance(session, entrance_id=entrance_id, scope=scope))
    if entrance.campaign_id != campaign_id:
        raise CampaignEntranceNotFound(entrance_id=entrance_id)
    return entrance


def _link(entrance: EntranceView) -> str:
    return f"{container().settings.public_base_url}{PATH}{entrance.token}"


def _download(entrance: EntranceView, ending: str, media_type: str, content: str | bytes) -> Response:
    response = Response(content, mimetype=media_type)
    name = f"campaign-{entrance.campaign_id}-{entrance.id}.{ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _named(session: "Session", listed: Sequence[EntranceListed]) -> dict[str, dict[int, str]]:
    mentioned = {one.entrance.store_id for one in listed if one.entrance.store_id is not None}
    return {"store_names": stores.names(session, mentioned)}


def _row(one: EntranceListed, *, store_names: dict[int, str]) -> exports.Row:
    entrance = one.entrance
    return (
        *(entrance.id, KIND_NAMES[entrance.kind], store_names.get(entrance.store_id or 0), _link(entrance)),
        *(one.visits, one.visitors, one.taken_part, entrance.created_at),
    )
