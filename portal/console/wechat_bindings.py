"""Binding staff to the WeChat with which they take coupons (绑定微信): by an administrator, or by themselves."""

from typing import Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.qr import qr_svg
from loyalty.kernel.transaction import run
from loyalty.staff import queries
from loyalty.staff.bindings import bound_at
from loyalty.staff.rules import Permission
from loyalty.staff.service import bindings
from portal.console import forms
from portal.console.access import actor, current_staff, requires
from portal.console.blueprint import blueprint
from portal.context import container


@blueprint.post("/staff/<int:staff_id>/wechat/link")
@requires(Permission.STAFF_WRITE)
def make_staff_link(staff_id: int) -> str:
    """Show a QR code that binds somebody's WeChat, this once."""
    return _link(staff_id, back=url_for("console.staff_page", staff_id=staff_id))


@blueprint.post("/staff/<int:staff_id>/wechat/off")
@requires(Permission.STAFF_WRITE)
def unbind_staff(staff_id: int) -> Response:
    """Take somebody's WeChat away."""
    return _unbind(staff_id, back=url_for("console.staff_page", staff_id=staff_id))


@blueprint.get("/wechat-binding")
@requires(Permission.COUPONS_REDEEM)
def own_binding() -> str:
    """Show whether one's own WeChat is bound."""
    staff_id = current_staff().staff_id
    since = run(container().database, lambda session: bound_at(session, staff_id=staff_id))
    return render_template("console/own_binding.html", bound_at=since, clerk_page=_page("h5.clerk"))


@blueprint.post("/wechat-binding/link")
@requires(Permission.COUPONS_REDEEM)
def make_own_link() -> str:
    """Show a QR code that binds one's own WeChat, this once."""
    return _link(current_staff().staff_id, back=url_for("console.own_binding"))


@blueprint.post("/wechat-binding/off")
@requires(Permission.COUPONS_REDEEM)
def unbind_self() -> Response:
    """Take one's own WeChat away."""
    return _unbind(current_staff().staff_id, back=url_for("console.own_binding"))


def _link(staff_id: int, *, back: str) -> str:
    at = container().clock.now()
    person, token = run(
        container().database,
        lambda session: (
            queries.get_staff(session, staff_id=staff_id),
            bindings.make_link(session, staff_id=staff_id, actor=actor(), at=at),
        ),
    )
    address = _page("h5.clerk_binding", token=token)
    return render_template(
        "console/staff_binding_link.html", person=person, address=address, picture=qr_svg(address), back=back
    )


def _unbind(staff_id: int, *, back: str) -> Response:
    at = container().clock.now()
    return forms.act(
        lambda session: bindings.unbind(session, staff_id=staff_id, actor=actor(), at=at),
        done="已解绑，该微信不能再核销",
        back=back,
    )


def _page(endpoint: str, **values: Any) -> str:
    return container().settings.public_base_url + url_for(endpoint, **values)
