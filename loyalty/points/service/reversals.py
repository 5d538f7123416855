"""Reversing entries (冲正): what was given is taken back, what was taken returns to the very lots it came from.

A credit is taken back from its own lots first, expired or not, then from what else the member could spend, so that
spending points before the refund gains nothing. What of its lots was booked out as expired is gone already and not
taken twice.

A debit first pays what the member owes, then returns to the lots it drew on, with their expiry, what was drawn last
first. A lot that has expired lives again for ``RETURN_GRACE_DAYS`` with what returned alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.kernel.clock import end_of
from loyalty.kernel.database import Json
from loyalty.points.holding import lock_for_debit
from loyalty.points.lots import (
    list_draws_of_entry,
    list_expired_lots,
    list_lots_of_entry,
    list_spendable_lots,
    move_expiry,
    points_expired_of_entry,
)
from loyalty.points.models import LedgerEntry
from loyalty.points.posting import Posting
from loyalty.points.queries import find_posting, get_entry, points_undone
from loyalty.points.rules import (
    EntryKind,
    EntryNotFound,
    EntryNotReversible,
    LotDraw,
    OpenLot,
    Shortfall,
    last_day_of_grace,
    points_to_undo,
    put_back,
    settle_missing,
    take_what_is_left,
)
from loyalty.points.service.debits import write_draws
from loyalty.points.service.expiry import book_out_ended

_REVERSIBLE = {EntryKind.EARN, EntryKind.SPEND, EntryKind.ADJUST}


@dataclass(frozen=True, slots=True)
class _Undoing:
    """What undoing an entry draws on lots, by how much it changes the debt, and what is to be told of it."""

    draws: Sequence[LotDraw]
    debt_change: int
    told: Json


def reverse(  # noqa: PLR0913 - a fact of each is kept in the entry; all but the session are named
    session: Session,
    *,
    member_id: int,
    entry_id: int,
    reference: str,
    at: datetime,
    zone: ZoneInfo,
    points: int | None = None,
    shortfall: Shortfall = Shortfall.REFUSE,
    explanation: Json | None = None,
    store_id: int | None = None,
    actor: str = "system",
) -> Posting:
    """Undo an entry, wholly or by ``points`` of it; reversals of one entry never add up to more than it moved.

    ``shortfall`` says what happens when too little is left to take back; days of grace end in ``zone``. Reversing
    again under the same reference returns the first posting.

    Raises:
        EntryNotFound: the member has no such entry.
        EntryNotReversible: it is a reversal, a transfer or an expiry.
        ReversalExceedsEntry: less than ``points``, or nothing, of it is still to be undone.
        InvalidPoints: ``points`` is no valid number.
        InsufficientPoints: too little is left to take back, and ``shortfall`` refuses.
    """
    account = lock_for_debit(session, member_id=member_id, at=at)
    if account is None:
        raise EntryNotFound(entry_id=entry_id)
    if known := find_posting(session, member_id=member_id, kind=EntryKind.REVERSE, reference=reference):
        return known
    entry = _reversible_entry(session, member_id, entry_id)
    undone = points_undone(session, member_id=member_id, entry_id=entry_id)
    undo = points_to_undo(entry.points, undone=undone.points, asked=points)
    if entry.points < 0:
        undoing = _give_back(session, entry, undo, account.debt, reference, zone, at)
    else:
        undoing = _take_back(session, entry, undo, undone.expired, shortfall, at)
    shared = {"reference": reference, "store_id": store_id, "actor": actor}
    return _write(session, entry, undo, undoing, explanation or {}, shared, at)


def _write(
    session: Session,
    entry: LedgerEntry,
    undo: int,
    undoing: _Undoing,
    explanation: Json,
    shared: Mapping[str, Any],
    at: datetime,
) -> Posting:
    values = {
        **shared,
        "member_id": entry.member_id,
        "points": -_taken(undoing.draws) - undoing.debt_change,
        "explanation": {"rule": "reversal", "of": entry.kind, **undoing.told, **explanation},
        "occurred_at": at,
        "reversed_entry_id": entry.id,
        "reversed_points": undo,
        "debt_change": undoing.debt_change,
    }
    return write_draws(session, kind=EntryKind.REVERSE, draws=undoing.draws, at=at, values=values)


def _reversible_entry(session: Session, member_id: int, entry_id: int) -> LedgerEntry:
    entry = get_entry(session, member_id=member_id, entry_id=entry_id)
    if EntryKind(entry.kind) not in _REVERSIBLE:
        raise EntryNotReversible(entry_id=entry_id, kind=entry.kind)
    return entry


def _take_back(
    session: Session, entry: LedgerEntry, undo: int, counted: int, shortfall: Shortfall, at: datetime
) -> _Undoing:
    own = list_lots_of_entry(session, member_id=entry.member_id, entry_id=entry.id)
    draws = take_what_is_left(own, undo)
    left = undo - _taken(draws)
    expired = 0
    if left:
        booked_out = points_expired_of_entry(session, member_id=entry.member_id, entry_id=entry.id)
        expired = min(left, booked_out - counted)
        draws += _of_other_lots(session, entry.member_id, own, left - expired, at)
        left = undo - expired - _taken(draws)
    missing = settle_missing(left, undo=undo, shortfall=shortfall)
    told: Json = {"forgiven": missing.forgiven}
    if expired:
        told["expired"] = expired
    if missing.owed:
        told |= {"owed": missing.owed, "shortfall": shortfall}
    return _Undoing(draws, missing.owed, told)


def _of_other_lots(
    session: Session, member_id: int, own: Sequence[OpenLot], points: int, at: datetime
) -> list[LotDraw]:
    own_ids = {lot.id for lot in own}
    lots = list_spendable_lots(session, member_id=member_id, at=at, limit=points + len(own))
    return take_what_is_left([lot for lot in lots if lot.id not in own_ids], points)


def _taken(draws: Sequence[LotDraw]) -> int:
    return sum(draw.points for draw in draws)


def _give_back(
    session: Session, entry: LedgerEntry, undo: int, debt: int, reference: str, zone: ZoneInfo, at: datetime
) -> _Undoing:
    paid = min(debt, undo)
    drawn = list_draws_of_entry(session, member_id=entry.member_id, entry_id=entry.id, drawn_at=entry.recorded_at)
    draws = put_back(drawn, undo - paid)
    told: Json = {"forgiven": 0}
    if graced := _let_live_again(session, entry.member_id, draws, reference, zone, at):
        told |= {"graced": graced, "graced_until_on": last_day_of_grace(at, zone).isoformat()}
    return _Undoing(draws, -paid, told | ({"debt_paid": paid} if paid else {}))


def _let_live_again(
    session: Session, member_id: int, draws: Sequence[LotDraw], reference: str, zone: ZoneInfo, at: datetime
) -> int:
    """Give a grace to the expired among the lots that points return to; return how many points that are."""
    lot_ids = [draw.lot_id for draw in draws]
    expired = list_expired_lots(session, member_id=member_id, lot_ids=lot_ids, at=at)
    if any(lot.remaining for lot in expired):
        # What expired in the lot and was not booked out yet must not live again with what returns.
        book_out_ended(session, member_ids=[member_id], reference=f"expiry:before:{reference}", at=at, zone=zone)
        expired = list_expired_lots(session, member_id=member_id, lot_ids=lot_ids, at=at)
    if not expired:
        return 0
    ids = [lot.id for lot in expired]
    expires_at = end_of(last_day_of_grace(at, zone), zone)
    move_expiry(session, member_id=member_id, lot_ids=ids, expires_at=expires_at)
    return -_taken([draw for draw in draws if draw.lot_id in ids])
