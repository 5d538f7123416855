"""Reversing entries (冲正): what was given is taken back, what was taken returns to the very lots it came from."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel.database import Json
from loyalty.points.lots import list_draws_of_entry, list_lots_of_entry, list_spendable_lots
from loyalty.points.models import LedgerEntry
from loyalty.points.posting import Posting
from loyalty.points.queries import find_posting, get_entry, lock_account, points_undone
from loyalty.points.rules import (
    EntryKind,
    EntryNotFound,
    EntryNotReversible,
    InsufficientPoints,
    LotDraw,
    Shortfall,
    points_to_undo,
    put_back,
    take_what_is_left,
)
from loyalty.points.service.debits import write_draws

_REVERSIBLE = {EntryKind.EARN, EntryKind.SPEND, EntryKind.ADJUST}


def reverse(
    session: Session,
    *,
    member_id: int,
    entry_id: int,
    reference: str,
    at: datetime,
    points: int | None = None,
    shortfall: Shortfall = Shortfall.REFUSE,
    explanation: Json | None = None,
    store_id: int | None = None,
    actor: str = "system",
) -> Posting:
    """Undo an entry, wholly or by ``points`` of it; reversals of one entry never add up to more than it moved.

    A credit is taken back from its own lots first, expired or not, then from what else the member could spend,
    so that spending points before the refund gains nothing. ``shortfall`` says what happens when that is too
    little. A debit returns to the lots it drew on, with their expiry, what was drawn last first; what returns to
    an expired lot is as expired as the lot. Reversing again under the same reference returns the first posting.

    Raises:
        EntryNotFound: the member has no such entry.
        EntryNotReversible: it is a reversal, a transfer or an expiry.
        ReversalExceedsEntry: less than ``points``, or nothing, of it is still to be undone.
        InvalidPoints: ``points`` is no valid number.
        InsufficientPoints: too little is left to take back, and ``shortfall`` refuses.
    """
    if not lock_account(session, member_id=member_id):
        raise EntryNotFound(entry_id=entry_id)
    known = find_posting(session, member_id=member_id, kind=EntryKind.REVERSE, reference=reference)
    if known is not None:
        return known
    entry = _reversible_entry(session, member_id, entry_id)
    undone = points_undone(session, member_id=member_id, entry_id=entry_id)
    undo = points_to_undo(entry.points, undone=undone, asked=points)
    draws = _draws(session, entry, undo, shortfall, at)
    moved = -sum(draw.points for draw in draws)
    values = {
        "member_id": member_id,
        "points": moved,
        "reference": reference,
        "explanation": {"rule": "reversal", "of": entry.kind, "forgiven": undo - abs(moved), **(explanation or {})},
        "occurred_at": at,
        "store_id": store_id,
        "actor": actor,
        "reversed_entry_id": entry_id,
        "reversed_points": undo,
    }
    return write_draws(session, kind=EntryKind.REVERSE, draws=draws, at=at, values=values)


def _reversible_entry(session: Session, member_id: int, entry_id: int) -> LedgerEntry:
    entry = get_entry(session, member_id=member_id, entry_id=entry_id)
    if EntryKind(entry.kind) not in _REVERSIBLE:
        raise EntryNotReversible(entry_id=entry_id, kind=entry.kind)
    return entry


def _draws(session: Session, entry: LedgerEntry, undo: int, shortfall: Shortfall, at: datetime) -> list[LotDraw]:
    if entry.points < 0:
        drawn = list_draws_of_entry(session, member_id=entry.member_id, entry_id=entry.id)
        return put_back(drawn, undo)
    own = list_lots_of_entry(session, member_id=entry.member_id, entry_id=entry.id)
    own_ids = {lot.id for lot in own}
    others = list_spendable_lots(session, member_id=entry.member_id, at=at, limit=undo + len(own))
    draws = take_what_is_left([*own, *(lot for lot in others if lot.id not in own_ids)], undo)
    taken = sum(draw.points for draw in draws)
    if taken < undo and shortfall is Shortfall.REFUSE:
        raise InsufficientPoints(points=undo, available=taken)
    return draws
