"""Recording purchases (消费): one statement for a new one; what is known already is compared under its lock."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.kernel.database import AnyRow
from loyalty.kernel.errors import InvariantBroken
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.prepared import send
from loyalty.members.models import Member
from loyalty.members.queries import HOLDING, survivor_of
from loyalty.members.rules.members import MemberGone, MemberNotFound
from loyalty.orders.models import Order, OrderVersion
from loyalty.orders.queries import OrderView, find_order, get_order, lines_left_of
from loyalty.orders.rules import (
    OrderNumberReused,
    OrderStoreNotFound,
    OrderVersionOutdated,
    Purchase,
    amount_of,
    check_purchase,
    is_empty,
    to_json,
)
from loyalty.stores.models import Store

RECORDED = "order.recorded"
"""The event of a purchase that was recorded or corrected: whose, and which order."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a reported purchase."""

    order_id: int
    member_id: int
    """The living member: the survivor where the one reported was merged."""
    is_replay: bool = False
    replaced_version: int | None = None
    """The version that this one corrects."""
    is_awaited: bool = False
    """Refunds of it came first and wait to be applied."""


def record_purchase(session: Session, *, purchase: Purchase, at: datetime) -> Recorded:
    """Record a purchase once by its source and number (消费上报), and hold its member until the transaction ends.

    The same report again is a replay; other content needs a higher version, which replaces the known one. The
    member is held so that two first purchases at once are not both the first.

    Raises:
        InvalidOrder: the report makes no sense.
        MemberNotFound: there is no such member.
        MemberGone: the member was closed.
        OrderStoreNotFound: there is no such store.
        OrderNumberReused: the number has other content, or belongs to another member.
        OrderVersionOutdated: a later version is known.
        RefundExceedsOrder: a correction leaves less than was already refunded.
    """
    check_purchase(purchase, at=at)
    row = _recorded(session, purchase, purchase.member_id, at)
    if row is not None and row.merged_into_id is not None:
        row = _recorded(session, purchase, row.merged_into_id, at)
    if row is None:
        raise MemberNotFound(member_id=purchase.member_id)
    if row.status not in HOLDING:
        raise MemberGone(member_id=purchase.member_id)
    if not row.is_store_known:
        raise OrderStoreNotFound(store_id=purchase.store_id)
    if row.order_id is not None:
        return Recorded(row.order_id, row.id)
    return _known(session, purchase, row, at)


def lock_order(session: Session, *, order_id: int) -> OrderView:
    """Hold an order until the transaction ends, and return it as it is now."""
    session.execute(select(Order.id).where(Order.id == order_id).with_for_update(key_share=True))
    return get_order(session, order_id=order_id)


def _record() -> Select[Any]:
    columns = ("source", "order_number", "version", "store_id", "channel", "paid_at", "amount_fen", "lines")
    given = {name: bindparam(name, type_=Order.__table__.c[name].type) for name in (*columns, "recorded_at")}
    owner = (
        select(Member.id, Member.status, Member.merged_into_id)
        .where(Member.id == bindparam("owner_id", type_=BigInteger))
        .with_for_update(key_share=True)
        .cte("owner")
    )
    store_id = given["store_id"]
    is_store_known = or_(store_id.is_(None), exists().where(Store.id == store_id))
    may_buy = and_(owner.c.status.in_(HOLDING), is_store_known)
    placed = (
        insert_or_skip(Order)
        .from_select(["member_id", *given], select(owner.c.id, *given.values()).where(may_buy))
        .on_conflict_do_nothing()
        .returning(Order.id.label("order_id"), Order.member_id, Order.recorded_at)
        .cte("placed")
    )
    told = select(_literal(RECORDED), _told(placed.c), placed.c.recorded_at)
    announced = insert(OutboxEvent).from_select(["kind", "payload", "recorded_at"], told).cte("announced")
    return (
        select(*owner.c, is_store_known.label("is_store_known"), placed.c.order_id)
        .select_from(owner.outerjoin(placed, true()))
        .add_cte(announced)
    )


def _told(placed: Any) -> ColumnElement[Any]:
    ids = (placed.order_id, placed.member_id)
    return func.jsonb_build_object(_literal("order_id"), ids[0], _literal("member_id"), ids[1])


def _literal(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'", Text)


_RECORD = _record()


def _recorded(session: Session, purchase: Purchase, owner_id: int, at: datetime) -> AnyRow | None:
    """Record the purchase for a member who may have one; return the member, with the order's id if it is new."""
    values = {
        "owner_id": owner_id,
        "source": purchase.source,
        "order_number": purchase.order_number,
        "recorded_at": at,
        **_content(purchase),
    }
    return next(iter(send(session, _RECORD, values)), None)


def _content(purchase: Purchase) -> dict[str, Any]:
    return {
        "version": purchase.version,
        "store_id": purchase.store_id,
        "channel": purchase.channel,
        "paid_at": purchase.paid_at,
        "amount_fen": purchase.amount_fen,
        "lines": to_json(purchase.lines),
    }


def _known(session: Session, purchase: Purchase, owner: AnyRow, at: datetime) -> Recorded:
    found = find_order(session, source=purchase.source, order_number=purchase.order_number)
    if found is None:
        raise InvariantBroken(f"order {purchase.order_number} is neither new nor known")
    order = lock_order(session, order_id=found.id)
    if order.member_id is None:
        _replace(session, order, owner.id, {"member_id": owner.id, **_content(purchase)}, at)
        return Recorded(order.id, owner.id, is_awaited=True)
    if survivor_of(session, member_id=order.member_id) != owner.id:
        raise OrderNumberReused(order_number=purchase.order_number)
    if purchase.version > order.version:
        return _correct(session, order, purchase, owner, at)
    if purchase.version < order.version:
        raise OrderVersionOutdated(order_number=purchase.order_number, version=order.version)
    if _differs(order, purchase):
        raise OrderNumberReused(order_number=purchase.order_number)
    return Recorded(order.id, owner.id, is_replay=True)


def _differs(order: OrderView, purchase: Purchase) -> bool:
    known = (order.store_id, order.channel, order.paid_at, order.lines)
    return known != (purchase.store_id, purchase.channel, purchase.paid_at, purchase.lines)


def _correct(session: Session, order: OrderView, purchase: Purchase, owner: AnyRow, at: datetime) -> Recorded:
    left = lines_left_of(session, order=replace(order, lines=purchase.lines))
    refunded = {"refunded_fen": purchase.amount_fen - amount_of(left), "is_refunded": is_empty(left)}
    session.execute(
        insert(OrderVersion).values(
            order_id=order.id,
            version=order.version,
            store_id=order.store_id,
            channel=order.channel,
            paid_at=order.paid_at,
            amount_fen=order.amount_fen,
            lines=to_json(order.lines),
            recorded_at=order.recorded_at,
            replaced_at=at,
        )
    )
    _replace(session, order, owner.id, {**_content(purchase), **refunded}, at)
    return Recorded(order.id, owner.id, replaced_version=order.version)


def _replace(session: Session, order: OrderView, owner_id: int, content: dict[str, Any], at: datetime) -> None:
    session.execute(update(Order).where(Order.id == order.id).values(**content, recorded_at=at))
    outbox.record(session, RECORDED, {"order_id": order.id, "member_id": owner_id}, at=at)
