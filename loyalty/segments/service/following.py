"""Following orders and merges: what members bought is kept in step with both."""

from collections.abc import Collection
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.members.queries import lock_members, survivor_of
from loyalty.orders.queries import get_order
from loyalty.orders.service.purchases import lock_order
from loyalty.segments.purchases import sum_up, write_purchases


def follow_order(session: Session, *, order_id: int, zone: ZoneInfo) -> None:
    """Bring what its member bought in step with an order as it is now, with its refunds; again changes nothing."""
    member_id = get_order(session, order_id=order_id).member_id
    if member_id is None:
        return
    owner_id = _hold_owner(session, member_id)
    lock_order(session, order_id=order_id)
    write_purchases(session, order_ids=[order_id], zone=zone)
    sum_up(session, member_ids=[owner_id])


def follow_merge(session: Session, *, member_ids: Collection[int]) -> None:
    """Sum up anew what two held members bought, once the rows of one have moved to the other."""
    sum_up(session, member_ids=member_ids)


def _hold_owner(session: Session, member_id: int) -> int:
    """Hold who an order belongs to now, so that no merge moves its rows meanwhile."""
    owner_id = survivor_of(session, member_id=member_id)
    lock_members(session, member_ids=[owner_id])
    survivor_id = survivor_of(session, member_id=owner_id)
    return owner_id if survivor_id == owner_id else _hold_owner(session, survivor_id)
