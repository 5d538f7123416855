"""Coupon templates (券模板): all of them, the life of each, its stock, its claim link."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.coupons.queries.stock_changes import list_stock_changes
from loyalty.coupons.queries.templates import TemplateView, get_template, list_revisions, list_templates
from loyalty.coupons.rules.limiting import STOCK_REASON_LENGTH_MAX
from loyalty.coupons.rules.sentences import headline
from loyalty.coupons.rules.states import TemplateState
from loyalty.coupons.service import templates as service
from loyalty.kernel.errors import NotFound
from loyalty.kernel.pagination import PAGE_SIZE_MAX, Page
from loyalty.kernel.qr import qr_png, qr_svg
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import exports, forms, paging, steps
from portal.console.access import current_scope, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.coupon_names import STATE_COLOURS, STATE_NAMES
from portal.console.coupon_preview import preview_of
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

QR_SCALE = 10
HEADER = ("编号", "名称", "优惠", "状态", "总库存", "已发放", "剩余", "创建时间")


class NoClaimLink(NotFound):
    """Nothing can be claimed by the link of a template that was never published."""

    code = "no_claim_link"
    message = "券模板发布后才有领取链接"


@blueprint.get("/coupons")
@requires(Permission.COUPONS_READ)
def coupon_template_list() -> str:
    """List the templates that the filter leaves, the newest first."""
    cursor = paging.cursor()
    page = run(container().database, partial(_templates(), cursor=cursor))
    return render_template(
        "console/coupon_template_list.html",
        page=page,
        is_first=cursor is None,
        address=paging.address,
        headline=headline,
        text=forms.text("text"),
        state=forms.text("state"),
        state_names=STATE_NAMES,
        colours=STATE_COLOURS,
    )


@blueprint.get("/coupons.csv")
@requires(Permission.COUPONS_READ)
def export_coupon_templates() -> Response:
    """Download what the filter shows."""
    templates = _templates()

    def read(session: "Session", cursor: str | None) -> Page[exports.Row]:
        page = templates(session, cursor=cursor, limit=PAGE_SIZE_MAX)
        return Page([_row(template) for template in page.items], page.next_cursor)

    return exports.streamed_list("coupons", HEADER, read)


@blueprint.get("/coupons/<int:template_id>")
@requires(Permission.COUPONS_READ)
def coupon_template_page(template_id: int) -> str:
    """Show one template: what members read, its stock, its link, its revisions."""

    def read(session: "Session") -> dict[str, Any]:
        template = get_template(session, template_id=template_id)
        revisions = list_revisions(session, template_id=template_id)
        stock_changes = list_stock_changes(session, template_id=template_id)
        published_by, changed_by = (one.published_by for one in revisions), (one.actor for one in stock_changes)
        mentioned = {template.created_by, *published_by, *changed_by}
        return {
            "template": template,
            "revisions": revisions,
            "stock_changes": stock_changes,
            "shown": preview_of(session, terms=template.terms),
            "draft": None if template.draft is None else preview_of(session, terms=template.draft),
            "people": names_of(session, mentioned),
        }

    known = run(container().database, read)
    return render_template(
        "console/coupon_template_page.html",
        link=_link(known["template"]),
        headline=headline,
        state_names=STATE_NAMES,
        colours=STATE_COLOURS,
        reason_length_max=STOCK_REASON_LENGTH_MAX,
        is_chain_wide=current_scope().is_chain_wide,
        **known,
    )


@blueprint.post("/coupons/<int:template_id>/publish")
@requires(Permission.COUPONS_WRITE)
def publish_coupon_template(template_id: int) -> Response:
    """Let the draft issue."""
    return _settle(service.publish, template_id, done="已发布")


@blueprint.post("/coupons/<int:template_id>/discard")
@requires(Permission.COUPONS_WRITE)
def discard_coupon_template_draft(template_id: int) -> Response:
    """Throw the draft away, and with it a template that was never published."""
    back = url_for("console.coupon_template_list")
    return _settle(service.discard_draft, template_id, done="草稿已删除", back=back)


@blueprint.post("/coupons/<int:template_id>/pause")
@requires(Permission.COUPONS_WRITE)
def pause_coupon_template(template_id: int) -> Response:
    """Issue nothing for the time being."""
    return _settle(service.pause, template_id, done="已暂停发放，已发出的券仍可使用")


@blueprint.post("/coupons/<int:template_id>/resume")
@requires(Permission.COUPONS_WRITE)
def resume_coupon_template(template_id: int) -> Response:
    """Issue again."""
    return _settle(service.resume, template_id, done="已恢复发放")


@blueprint.post("/coupons/<int:template_id>/stop")
@requires(Permission.COUPONS_WRITE)
def stop_coupon_template(template_id: int) -> Response:
    """Issue nothing any more."""
    return _settle(service.stop, template_id, done="已停止发放，已发出的券仍可使用")


@blueprint.post("/coupons/<int:template_id>/stock")
@requires(Permission.COUPONS_WRITE)
def set_coupon_stock(template_id: int) -> Response:
    """Say how many may be issued in all, and why."""
    for_the_chain()
    stock, reason = forms.optional_integer("stock"), forms.text("reason")
    return steps.take(
        partial(service.set_stock, template_id=template_id, stock=stock, reason=reason),
        done="库存已调整",
        back=page_of(template_id),
    )


@blueprint.get("/coupons/<int:template_id>/qr.svg")
@requires(Permission.COUPONS_READ)
def coupon_qr_svg(template_id: int) -> Response:
    """Download the claim link as a QR code for print."""
    return _download(template_id, "svg", "image/svg+xml", qr_svg(_known_link(template_id), scale=QR_SCALE))


@blueprint.get("/coupons/<int:template_id>/qr.png")
@requires(Permission.COUPONS_READ)
def coupon_qr_png(template_id: int) -> Response:
    """Download the claim link as a QR code for chats and slides."""
    return _download(template_id, "png", "image/png", qr_png(_known_link(template_id), scale=QR_SCALE))


def page_of(template_id: int) -> str:
    """Return the address of a template's page."""
    return url_for("console.coupon_template_page", template_id=template_id)


def _settle(step: Callable[..., object], template_id: int, *, done: str, back: str = "") -> Response:
    for_the_chain()
    return steps.take(partial(step, template_id=template_id), done=done, back=back or page_of(template_id))


def _templates() -> Callable[..., Page[TemplateView]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    return partial(list_templates, state=forms.optional_choice("state", TemplateState), text=forms.text("text"))


def _row(template: TemplateView) -> Sequence[object]:
    return (
        template.id,
        template.terms.title,
        headline(template.terms),
        STATE_NAMES[template.state],
        "不限" if template.stock is None else template.stock,
        template.issued,
        "不限" if template.left is None else template.left,
        template.created_at,
    )


def _link(template: TemplateView) -> str | None:
    if template.published is None:
        return None
    return container().settings.public_base_url + url_for("h5.coupon_link", link_token=template.link_token)


def _known_link(template_id: int) -> str:
    template = run(container().database, lambda session: get_template(session, template_id=template_id))
    link = _link(template)
    if link is None:
        raise NoClaimLink
    return link


def _download(template_id: int, ending: str, media_type: str, content: str | bytes) -> Response:
    response = Response(content, mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="coupon-{template_id}.{ending}"'
    return response
