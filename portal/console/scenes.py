"""QR codes of an Official Account (场景二维码): for a store or a poster, and what each brought."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.arrivals import queries
from loyalty.arrivals.queries import STORE, SceneFilter, SceneListed
from loyalty.channels import queries as channels
from loyalty.channels import service
from loyalty.channels.queries import SceneNotFound
from loyalty.channels.service.scenes import LABEL_LENGTH_MAX
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.pagination import Page
from loyalty.kernel.qr import qr_png, qr_svg
from loyalty.kernel.transaction import run
from loyalty.settings import WechatAccount
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from loyalty.stores.rules import StoreKind
from portal.console import exports, forms, paging
from portal.console.access import actor, current_scope, for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.scene_names import DAY_FIGURES, KIND_NAMES, chosen_days, chosen_scenes
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

POSTER = "poster"
PERMANENT_MAX = 100_000
"""How many permanent codes WeChat gives an account for ever."""
MODULE_PIXELS = 16
HEADER = ("编号", "名称", "类型", "门店", "有效期至", "建立时间", *DAY_FIGURES.values())


@blueprint.get("/scenes")
@requires(Permission.CHANNELS_READ)
def scene_list() -> str:
    """List the codes that the filter leaves, with what they brought in these days."""
    cursor, scenes, days = paging.cursor(), _scenes(), chosen_days()

    def read(session: "Session") -> dict[str, Any]:
        page = scenes(session, cursor=cursor)
        return {"page": page, "stores": _stores(session), **_named(session, page.items)}

    return render_template(
        "console/scene_list.html",
        is_first=cursor is None,
        address=paging.address,
        days=days,
        filters={name: forms.text(name) for name in ("kind", "store_id", "text")},
        kind_names=KIND_NAMES,
        figures=DAY_FIGURES,
        at=container().clock.now(),
        **run(container().database, read),
    )


@blueprint.get("/scenes.csv")
@requires(Permission.CHANNELS_READ)
def export_scenes() -> Response:
    """Download what the filter shows."""
    return exports.streamed_list("scenes", HEADER, exports.as_rows(_scenes(), _row, named=_named))


@blueprint.get("/scenes/new")
@requires(Permission.CHANNELS_WRITE)
def new_scene() -> str:
    """Show the form for a new code."""
    return _form({"appid": "", "store_id": forms.text("store_id"), "label": "", "days": ""})


@blueprint.post("/scenes")
@requires(Permission.CHANNELS_WRITE)
def create_scene() -> Response | tuple[str, int]:
    """Have WeChat make a code for a store, or for a poster of no store."""
    for_the_chain()
    values = {name: forms.text(name) for name in ("appid", "store_id", "label", "days")}
    days, store_id = forms.optional_integer("days"), forms.optional_integer("store_id")
    account, at = container().official_account(values["appid"]), container().clock.now()
    name = run(container().database, lambda session: _store_name(session, store_id)) if store_id else ""
    try:
        # Not in a transaction: WeChat may take seconds to answer.
        scene = service.create_scene(
            container().database,
            account,
            subject_kind=STORE if store_id else POSTER,
            subject_id=store_id or 0,
            label=values["label"] or name,
            life=None if days is None else timedelta(days=min(days, 366)),
            actor=actor(),
            at=at,
        )
    except LoyaltyError as error:
        return _form(values, problem=error.message), 422
    flash("二维码已生成", "success")
    return redirect(_page_of(scene.id), 303)


@blueprint.get("/scenes/<int:scene_id>")
@requires(Permission.CHANNELS_READ)
def scene_page(scene_id: int) -> str:
    """Show one code, its picture, and what it brought by day."""
    days = chosen_days()
    chosen = SceneFilter(scene_id=scene_id)

    def read(session: "Session") -> dict[str, Any]:
        scene = _seen(session, scene_id)
        return {
            "scene": scene,
            "total": queries.total(session, chosen, span=days.span),
            "by_day": queries.by_day(session, chosen, days=days.all, span=days.span, zone=container().zone),
            **_named(session, [SceneListed(scene)]),
        }

    known = run(container().database, read)
    url = known["scene"].url
    return render_template(
        "console/scene_page.html",
        picture=qr_svg(url) if url else "",
        days=days,
        figures=DAY_FIGURES,
        kind_names=KIND_NAMES,
        chart=url_for("console.scene_report_days", scene_id=scene_id, since=days.first, until=days.last),
        at=container().clock.now(),
        **known,
    )


@blueprint.get("/scenes/<int:scene_id>/qr.png")
@requires(Permission.CHANNELS_READ)
def scene_picture(scene_id: int) -> Response:
    """Download the code as a picture that can be printed."""
    scene = run(container().database, lambda session: _seen(session, scene_id))
    if scene.url is None:
        raise SceneNotFound(scene_id=scene_id)
    response = Response(qr_png(scene.url, scale=MODULE_PIXELS), mimetype="image/png")
    response.headers["Content-Disposition"] = f'attachment; filename="scene-{scene_id}.png"'
    return response


@blueprint.post("/scenes/<int:scene_id>/finish")
@requires(Permission.CHANNELS_WRITE)
def finish_scene(scene_id: int) -> Response:
    """Ask WeChat once more for a code that it did not make."""
    for_the_chain()
    scene = run(container().database, lambda session: channels.get_scene(session, scene_id=scene_id))
    account, at = container().official_account(scene.appid), container().clock.now()
    try:
        service.finish_scene(container().database, account, scene_id=scene_id, at=at)
    except LoyaltyError as error:
        flash(error.message, "danger")
    else:
        flash("二维码已生成", "success")
    return redirect(_page_of(scene_id), 303)


def _page_of(scene_id: int) -> str:
    return url_for("console.scene_page", scene_id=scene_id)


def _scenes() -> Callable[..., Page[SceneListed]]:
    return partial(queries.list_scenes, chosen=chosen_scenes(), span=chosen_days().span)


def _seen(session: "Session", scene_id: int) -> Any:
    scene = channels.get_scene(session, scene_id=scene_id)
    if not current_scope().covers(scene.subject_id if scene.subject_kind == STORE else None):
        raise SceneNotFound(scene_id=scene_id)
    return scene


def _stores(session: "Session") -> dict[int, str]:
    nodes = stores.list_tree(session, scope=current_scope())
    return {node.id: node.name for node in nodes if node.kind is StoreKind.STORE}


def _store_name(session: "Session", store_id: int) -> str:
    store = stores.get_store(session, store_id=store_id)
    if store.kind != StoreKind.STORE:
        raise stores.StoreNotFound
    return store.name


def _named(session: "Session", scenes: Sequence[SceneListed]) -> dict[str, dict[int, str]]:
    mentioned = {one.store_id for one in scenes if one.store_id is not None}
    return {"store_names": stores.names(session, mentioned)}


def _row(one: SceneListed, *, store_names: dict[int, str]) -> exports.Row:
    scene = one.scene
    return (
        scene.id,
        scene.label,
        KIND_NAMES.get(scene.subject_kind, scene.subject_kind),
        store_names.get(one.store_id or 0),
        scene.expires_at or "长期",
        scene.created_at,
        *(getattr(one.figures, name) for name in DAY_FIGURES),
    )


def _form(values: dict[str, str], *, problem: str = "") -> str:
    accounts: list[WechatAccount] = [one for one in container().settings.wechat_accounts if one.kind == "oa"]

    def read(session: "Session") -> dict[str, Any]:
        used = {one.appid: channels.count_permanent_scenes(session, appid=one.appid) for one in accounts}
        return {"stores": _stores(session), "used": used}

    return render_template(
        "console/scene_form.html",
        accounts=accounts,
        values=values,
        problem=problem,
        label_max=LABEL_LENGTH_MAX,
        permanent_max=PERMANENT_MAX,
        **run(container().database, read),
    )
