"""Recalling (追回转移): what a merge has moved returns to the lots of the entry that gave it, for that to be undone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from loyalty.points.holding import close_run_out
from loyalty.points.lots import list_lots_of_entry
from loyalty.points.moved_lots import MovedLot, list_moved_lots
from loyalty.points.queries import get_entry, points_undone
from loyalty.points.rules import EntryKind, LotDraw
from loyalty.points.service.debits import write_draws


def recall(
    session: Session, *, member_id: int, entry_id: int, survivor_id: int, reference: str, at: datetime, actor: str
) -> int:
    """Bring back to a merged member what the survivor has left of the very lots of an entry; return how much.

    No more than is not undone of the entry, and nothing of what was spent, is held or was booked out since. The caller
    holds both accounts and undoes the entry next.

    Raises:
        EntryNotFound: the merged member has no such entry.
    """
    entry = get_entry(session, member_id=member_id, entry_id=entry_id)
    undone = points_undone(session, member_id=member_id, entry_id=entry_id).points
    close_run_out(session, member_ids=[survivor_id], at=at)
    taken = _taken(_moved_lots(session, member_id, entry_id, survivor_id), entry.points - undone)
    if not taken:
        return 0
    returned = Counter[int]()
    for lot, points in taken:
        returned[lot.from_lot_id] += points
    shared = {"reference": reference, "occurred_at": at, "actor": actor}
    leaving = [LotDraw(lot.lot_id, points) for lot, points in taken]
    arriving = [LotDraw(lot_id, -points) for lot_id, points in returned.items()]
    _write(session, leaving, {**shared, "member_id": survivor_id, "explanation": {"to_member_id": member_id}})
    _write(session, arriving, {**shared, "member_id": member_id, "explanation": {"from_member_id": survivor_id}})
    return returned.total()


def _moved_lots(session: Session, member_id: int, entry_id: int, survivor_id: int) -> Sequence[MovedLot]:
    own = [lot.id for lot in list_lots_of_entry(session, member_id=member_id, entry_id=entry_id)]
    moved = list_moved_lots(session, member_ids=[member_id] * len(own), lot_ids=own)
    return [lot for lot in moved if lot.member_id == survivor_id]


def _taken(lots: Sequence[MovedLot], points: int) -> list[tuple[MovedLot, int]]:
    taken = []
    for lot in lots:
        part = min(lot.remaining, points)
        points -= part
        if part:
            taken.append((lot, part))
    return taken


def _write(session: Session, draws: Sequence[LotDraw], values: Mapping[str, Any]) -> None:
    told = {"rule": "transfer", **values["explanation"]}
    points = -sum(draw.points for draw in draws)
    values = {**values, "explanation": told, "points": points, "store_id": None}
    write_draws(session, kind=EntryKind.TRANSFER, draws=draws, at=values["occurred_at"], values=values)
