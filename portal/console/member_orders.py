"""A member's orders: lines, refunds, and why each earned what it earned."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.kernel.pagination import PAGE_SIZE_MAX, Page
from loyalty.kernel.transaction import run
from loyalty.orders import queries
from loyalty.orders.queries import OrderView
from loyalty.orders.rules import Returned
from loyalty.reports.explained_order import explained_order
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms, member_names, paging
from portal.console.access import requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.figures import shown_money
from portal.console.member_exports import export_of_member
from portal.console.members import visible_member
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FILTERS = ("number", "returned", "since", "until")
HEADER = ("付款时间", "订单号", "来源", "门店", "渠道", "金额（元）", "已退（元）", "版本", "上报时间")


@blueprint.get("/members/<int:member_id>/orders")
@requires(Permission.MEMBERS_READ)
def member_orders(member_id: int) -> str:
    """List a member's orders, the last reported first."""
    cursor, orders = paging.cursor(), _orders(member_id)

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        page = orders(session, cursor=cursor)
        return {"member": member, "page": page, **_named(session, page.items)}

    return render_template(
        "console/member_orders.html",
        is_first=cursor is None,
        address=paging.address,
        filters={name: forms.text(name) for name in FILTERS},
        returned_names=member_names.RETURNED_NAMES,
        **run(container().database, read),
    )


@blueprint.post("/members/<int:member_id>/orders/export")
@requires(Permission.MEMBERS_EXPORT)
def export_orders(member_id: int) -> Response:
    """Download what the filter shows."""
    orders = _orders(member_id)

    def read(session: "Session", cursor: str | None) -> Page[exports.Row]:
        page = orders(session, cursor=cursor, limit=PAGE_SIZE_MAX)
        named = _named(session, page.items)
        return Page([_row(order, **named) for order in page.items], page.next_cursor)

    return export_of_member(member_id, name="orders", action="orders.export", header=HEADER, read=read)


@blueprint.get("/members/<int:member_id>/orders/<int:order_id>")
@requires(Permission.MEMBERS_READ)
def member_order(member_id: int, order_id: int) -> str:
    """Show one order with its lines and refunds, and the explanation of what it earned."""

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        explained = explained_order(session, member_id=member_id, order_id=order_id)
        mentioned = (explained.order.store_id, *(refund.store_id for refund in explained.refunds))
        store_ids = {store_id for store_id in mentioned if store_id is not None}
        return {
            "member": member,
            "explained": explained,
            "store_names": stores.names(session, store_ids),
            "actors": names_of(session, [explained.order.source]),
        }

    return render_template(
        "console/member_order.html", refund_names=member_names.REFUND_NAMES, **run(container().database, read)
    )


def _orders(member_id: int) -> Callable[..., Page[OrderView]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    since, until = forms.day_range("since", "until")
    return partial(
        queries.list_orders,
        member_id=member_id,
        number=forms.text("number"),
        returned=forms.optional_choice("returned", Returned),
        since=since,
        until=until,
    )


def _named(session: "Session", orders: Iterable[OrderView]) -> dict[str, dict[Any, str]]:
    """Return what the stores and the sources of some orders are called."""
    store_ids = {order.store_id for order in orders if order.store_id}
    return {
        "store_names": stores.names(session, store_ids),
        "actors": names_of(session, {order.source for order in orders}),
    }


def _row(order: OrderView, *, store_names: dict[int, str], actors: dict[str, str]) -> exports.Row:
    return (
        order.paid_at,
        order.order_number,
        actors.get(order.source, order.source),
        store_names.get(order.store_id or 0),
        order.channel,
        shown_money(order.amount_fen),
        shown_money(order.refunded_fen),
        order.version,
        order.recorded_at,
    )
