"""Moved lots (转移后的批次): where a merge, or several, have brought what was left of a lot.

The entry that takes lots from a merged member and the one that opens them with the survivor have one reference, and
the new lots stand in the order of the old ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, FromClause, Select, and_, bindparam, cast, func, select
from sqlalchemy.orm import Session

from loyalty.points.lots import FREE
from loyalty.points.posting import DRAWS, ENTRIES, LOTS, constant
from loyalty.points.rules import EntryKind


@dataclass(frozen=True, slots=True)
class MovedLot:
    """A lot with points that continues another, after merges."""

    from_lot_id: int
    member_id: int
    lot_id: int
    remaining: int
    """Without what holds bind."""


def list_moved_lots(session: Session, *, member_ids: Sequence[int], lot_ids: Sequence[int]) -> Sequence[MovedLot]:
    """Return what is left, with whoever it is by now, of lots that merges have moved; the lots in order."""
    rows = session.execute(_MOVED, {"member_ids": list(member_ids), "lot_ids": list(lot_ids)})
    return [MovedLot(*row) for row in rows]


def _moved() -> Select[Any]:
    arrays = [bindparam(name, type_=ARRAY(BigInteger)) for name in ("member_ids", "lot_ids")]
    asked = func.unnest(*arrays).table_valued("member_id", "lot_id", name="asked").render_derived()
    first = select(asked.c.lot_id.label("from_lot_id"), asked.c.member_id, asked.c.lot_id)
    followed = first.cte("followed", recursive=True)
    departure = ENTRIES.alias("departure")
    drawn, arrived = _drawn_by(departure), _arrived_by(departure)
    following = (
        select(followed.c.from_lot_id, arrived.c.member_id, arrived.c.lot_id)
        .select_from(followed)
        .join(departure, and_(departure.c.member_id == followed.c.member_id, _is_transfer(departure)))
        .join(drawn, drawn.c.lot_id == followed.c.lot_id)
        .join(arrived, arrived.c.number == drawn.c.number)
    )
    everywhere = followed.union_all(following)
    is_lot = and_(LOTS.c.member_id == everywhere.c.member_id, LOTS.c.id == everywhere.c.lot_id)
    return (
        select(everywhere.c.from_lot_id, LOTS.c.member_id, LOTS.c.id, FREE)
        .join_from(everywhere, LOTS, is_lot)
        .where(LOTS.c.id != everywhere.c.from_lot_id, LOTS.c.remaining > LOTS.c.held)
        .order_by(everywhere.c.from_lot_id, LOTS.c.id)
    )


def _drawn_by(departure: FromClause) -> FromClause:
    number = func.row_number().over(order_by=DRAWS.c.lot_id).label("number")
    return (
        select(DRAWS.c.lot_id, number)
        .where(DRAWS.c.member_id == departure.c.member_id, DRAWS.c.entry_id == departure.c.id, DRAWS.c.points > 0)
        .lateral("drawn")
    )


def _arrived_by(departure: FromClause) -> FromClause:
    arrival = ENTRIES.alias("arrival")
    to_member_id = cast(departure.c.explanation["to_member_id"].astext, BigInteger)
    number = func.row_number().over(order_by=LOTS.c.id).label("number")
    return (
        select(LOTS.c.member_id, LOTS.c.id.label("lot_id"), number)
        .join_from(arrival, LOTS, and_(LOTS.c.member_id == arrival.c.member_id, LOTS.c.entry_id == arrival.c.id))
        .where(
            arrival.c.member_id == to_member_id,
            arrival.c.reference == departure.c.reference,
            _is_transfer(arrival),
        )
        .lateral("arrived")
    )


def _is_transfer(entry: FromClause) -> Any:
    return entry.c.kind == constant(EntryKind.TRANSFER)


_MOVED = _moved()
