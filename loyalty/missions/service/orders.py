"""Purchases (消费任务): an order counts for what is left of it in money, whenever that changes."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.checkout.deductions import deductions_of
from loyalty.kernel.crypto import Vault
from loyalty.missions.rules.terms import MissionEvent
from loyalty.missions.service.counting import Happening, count
from loyalty.orders.queries import get_order, lines_left_of
from loyalty.orders.rules import amount_of, is_empty


def count_order(session: Session, *, vault: Vault, order_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Count an order as it stands now, after its purchase, a correction or any refund; again, nothing changes.

    Nothing counts of an order whose purchase has not come.

    Raises:
        OrderNotFound: there is none with this id.
    """
    order = get_order(session, order_id=order_id)
    if order.member_id is None or order.paid_at is None:
        return
    left = lines_left_of(session, order=order)
    in_money = deductions_of(session, order_id=order.id).money(order.lines, left)
    happening = Happening(
        event=MissionEvent.PURCHASE,
        member_id=order.member_id,
        reference=f"order:{order.id}",
        occurred_at=min(order.paid_at, at),
        amount_fen=amount_of(in_money),
        is_refunded=is_empty(left),
    )
    count(session, vault=vault, happening=happening, at=at, zone=zone)
