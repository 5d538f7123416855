"""Adjusting the points of many members at once (批量调整): one statement for a page of credits, one for its debits.

The caller's page names each member once. Accounts are locked ascending before any lot is read, so that whatever else
happens to them waits, or is waited for.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from loyalty.kernel.database import Json
from loyalty.points.batch_statements import AVAILABLE, CREDIT, DEBIT, FIND_CREDITS, FREE_LOTS, LOCK, OPEN, TAKE_BACK
from loyalty.points.holding import close_run_out
from loyalty.points.posting import parameters
from loyalty.points.rules import InsufficientPoints, LotDraw, OpenLot, check_points, draw_down


@dataclass(frozen=True, slots=True)
class Change:
    """What one member gets, or loses when ``points`` is negative."""

    member_id: int
    points: int
    reference: str
    expires_at: datetime | None = None
    idle_days: int | None = None
    idle_zone: str | None = None
    """What is given lives as ``LotTerms`` say; what is taken needs none of this."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A credit that is to be taken back, and the reference of the entry that does it."""

    member_id: int
    entry_reference: str
    reference: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a credit had given, as far as nothing had undone it before, and how much of that was still there."""

    undone: int
    taken: int


def adjust_many(
    session: Session, *, changes: Sequence[Change], explanation: Json, actor: str, at: datetime
) -> Collection[str]:
    """Adjust the points of many members, each at most once; return the references of the debits that were refused.

    A debit is refused when less is available, as a single one is; all others are posted. No event is recorded: the
    caller tells what it did.

    Raises:
        InvalidPoints: some points are zero or absurdly large.
    """
    for change in changes:
        check_points(abs(change.points))
    credits = [change for change in changes if change.points > 0]
    debits = [change for change in changes if change.points < 0]
    member_ids = sorted(change.member_id for change in changes)
    assert len(set(member_ids)) == len(member_ids), "a member is adjusted once in a call"
    open_accounts(session, member_ids=[change.member_id for change in credits], at=at)
    debts = lock_accounts(session, member_ids=member_ids)
    shared = {"explanation": explanation, "actor": actor, "recorded_at": at, "occurred_at": at}
    if credits:
        session.execute(CREDIT, parameters({**_columns(credits), **_idle(credits), **shared}))
    return _debit(session, debits, debts, shared, at) if debits else []


def take_back_many(
    session: Session, *, take_backs: Sequence[TakeBack], explanation: Json, actor: str, at: datetime
) -> Mapping[TakeBack, TakenBack]:
    """Take back what is left in the lots of many adjustments, a member at most once, and forgive the rest.

    Other points of the members are not touched: what was spent stays spent, and is what ``TakenBack`` shows.
    Adjustments that are unknown, or undone already, are not in the answer.
    """
    member_ids = sorted(one.member_id for one in take_backs)
    assert len(set(member_ids)) == len(member_ids), "a member is named once in a call"
    lock_accounts(session, member_ids=member_ids)
    close_run_out(session, member_ids=member_ids, at=at)
    asked = {
        "member_ids": [one.member_id for one in take_backs],
        "entry_references": [one.entry_reference for one in take_backs],
        "references": [one.reference for one in take_backs],
    }
    found = session.execute(FIND_CREDITS, parameters(asked)).all()
    taken = {row.member_id: TakenBack(undone=row.left, taken=min(row.left, row.free)) for row in found}
    named = {
        "member_ids": [row.member_id for row in found],
        "amounts": [-taken[row.member_id].taken for row in found],
        "references": [row.reference for row in found],
        "entry_ids": [row.entry_id for row in found],
        "undone": [row.left for row in found],
        **_drawn([(row.member_id, LotDraw(row.lot_id, taken[row.member_id].taken)) for row in found]),
    }
    shared = {"explanation": explanation, "actor": actor, "recorded_at": at, "occurred_at": at}
    if found:
        session.execute(TAKE_BACK, parameters({**named, **shared}))
    return {one: taken[one.member_id] for one in take_backs if one.member_id in taken}


def available_to(session: Session, *, member_ids: Sequence[int], at: datetime) -> Mapping[int, int]:
    """Return what each of many members could spend at this moment, locking nothing."""
    rows = session.execute(AVAILABLE, parameters({"member_ids": list(member_ids), "recorded_at": at}))
    return {row.member_id: max(0, int(row.available)) for row in rows}


def open_accounts(session: Session, *, member_ids: Sequence[int], at: datetime) -> None:
    """Open the points accounts of those members who have none."""
    if member_ids:
        session.execute(OPEN, parameters({"member_ids": sorted(member_ids), "recorded_at": at}))


def lock_accounts(session: Session, *, member_ids: Sequence[int]) -> Mapping[int, int]:
    """Hold the accounts of many members until the transaction ends, in ascending order; return what each owes."""
    rows = session.execute(LOCK, parameters({"member_ids": list(member_ids)}))
    return {row.member_id: row.debt for row in rows}


def _debit(
    session: Session, debits: Sequence[Change], debts: Mapping[int, int], shared: Mapping[str, Any], at: datetime
) -> Collection[str]:
    member_ids = [change.member_id for change in debits]
    close_run_out(session, member_ids=member_ids, at=at)
    lots = defaultdict(list)
    for member_id, *lot in session.execute(FREE_LOTS, parameters({"member_ids": member_ids, "recorded_at": at})):
        lots[member_id].append(OpenLot(*lot))
    paying, drawn = [], []
    for change in debits:
        try:
            draws = draw_down(lots[change.member_id], -change.points, debt=debts.get(change.member_id, 0))
        except InsufficientPoints:
            continue
        paying.append(change)
        drawn += [(change.member_id, draw) for draw in draws]
    if paying:
        session.execute(DEBIT, parameters({**_columns(paying), **_drawn(drawn), **shared}))
    return {change.reference for change in debits} - {change.reference for change in paying}


def _drawn(draws: Sequence[tuple[int, LotDraw]]) -> dict[str, list[int]]:
    moving = [(member_id, draw) for member_id, draw in draws if draw.points]
    return {
        "drawn_member_ids": [member_id for member_id, _draw in moving],
        "lot_ids": [draw.lot_id for _member_id, draw in moving],
        "lot_points": [draw.points for _member_id, draw in moving],
    }


def _columns(changes: Sequence[Change]) -> dict[str, list[Any]]:
    return {
        "member_ids": [change.member_id for change in changes],
        "amounts": [change.points for change in changes],
        "references": [change.reference for change in changes],
        "expiries": [change.expires_at for change in changes],
    }


def _idle(credits: Sequence[Change]) -> dict[str, list[Any]]:
    return {
        "idle_days": [change.idle_days for change in credits],
        "idle_zones": [change.idle_zone for change in credits],
    }
