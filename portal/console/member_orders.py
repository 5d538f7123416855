"""A member's orders: lines, refunds, and why each earned what it earned."""

from typing import TYPE_CHECKING, Any

from flask import render_template

from loyalty.kernel.transaction import run
from loyalty.orders import queries
from loyalty.reports.explained_order import explained_order
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import member_names, paging
from portal.console.access import requires
from portal.console.blueprint import blueprint
from portal.console.members import visible_member
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@blueprint.get("/members/<int:member_id>/orders")
@requires(Permission.MEMBERS_READ)
def member_orders(member_id: int) -> str:
    """List a member's orders, the last reported first."""
    cursor = paging.cursor()

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        page = queries.list_orders(session, member_id=member_id, cursor=cursor)
        store_ids = {order.store_id for order in page.items if order.store_id}
        return {"member": member, "page": page, "store_names": stores.names(session, store_ids)}

    return render_template(
        "console/member_orders.html", is_first=cursor is None, address=paging.address, **run(container().database, read)
    )


@blueprint.get("/members/<int:member_id>/orders/<int:order_id>")
@requires(Permission.MEMBERS_READ)
def member_order(member_id: int, order_id: int) -> str:
    """Show one order with its lines and refunds, and the explanation of what it earned."""

    def read(session: "Session") -> dict[str, Any]:
        member = visible_member(session, member_id=member_id)
        explained = explained_order(session, member_id=member_id, order_id=order_id)
        mentioned = (explained.order.store_id, *(refund.store_id for refund in explained.refunds))
        store_ids = {store_id for store_id in mentioned if store_id is not None}
        return {"member": member, "explained": explained, "store_names": stores.names(session, store_ids)}

    return render_template(
        "console/member_order.html", refund_names=member_names.REFUND_NAMES, **run(container().database, read)
    )
