"""Points queries: the summary that members see, and what a posting needs to know. The statement is apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    bindparam,
    case,
    cast,
    func,
    select,
    true,
)
from sqlalchemy.orm import Session

from loyalty.kernel.database import AnyRow
from loyalty.points.lifetimes import ends_at, lives_at
from loyalty.points.lots import HOLDS, free_at, spendable
from loyalty.points.models import LedgerEntry, Lot
from loyalty.points.posting import ACCOUNTS, LOTS, Posting, constant
from loyalty.points.rules import EntryKind, EntryNotFound, HoldState, OpenLot


@dataclass(frozen=True, slots=True)
class PointsSummary:
    """A member's points at an instant: ``balance`` is all of them, ``available`` what can be spent now.

    What holds bind is not available, nor is what the member owes.
    """

    balance: int = 0
    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    soonest_expires_at: datetime | None = None
    soonest_expiring_points: int = 0


_AT = bindparam("at", type_=DateTime(timezone=True))
_OWN_LOTS = LOTS.c.member_id == ACCOUNTS.c.member_id
_FREE = free_at(_AT)


def _soonest(which: ColumnElement[bool], ends: ColumnElement[Any], name: str) -> FromClause:
    return (
        select(ends.label("expires_at"), func.sum(_FREE).label("points"))
        .where(_OWN_LOTS, spendable(_AT), which, ends.is_not(None))
        .group_by(ends)
        .having(func.sum(_FREE) > 0)
        .order_by(ends)
        .limit(1)
        .lateral(name)
    )


# Apart, so that the many lots with a fixed end are read by their index only until the first.
_DATED = _soonest(LOTS.c.idle_days.is_(None), LOTS.c.expires_at, "dated")
_IDLE = _soonest(LOTS.c.idle_days.is_not(None), ends_at(LOTS, ACCOUNTS), "idle")
_SOONEST_AT = func.least(_DATED.c.expires_at, _IDLE.c.expires_at)
_SOONEST_POINTS = [case((one.c.expires_at == _SOONEST_AT, one.c.points), else_=0) for one in (_DATED, _IDLE)]
_SUMS = (
    select(
        func.coalesce(func.sum(_FREE).filter(LOTS.c.available_at <= _AT), 0).label("available"),
        func.coalesce(func.sum(LOTS.c.remaining).filter(LOTS.c.available_at > _AT), 0).label("pending"),
    )
    .where(_OWN_LOTS, LOTS.c.remaining > 0, lives_at(_AT))
    .lateral("sums")
)
_HELD = (
    select(func.coalesce(func.sum(HOLDS.c.points), 0))
    .where(
        HOLDS.c.member_id == ACCOUNTS.c.member_id,
        HOLDS.c.state == constant(HoldState.PLACED),
        HOLDS.c.expires_at > _AT,
    )
    .scalar_subquery()
)
SUMMARY = (
    select(
        ACCOUNTS.c.balance,
        _SUMS.c.available,
        _SUMS.c.pending,
        case((ACCOUNTS.c.held > 0, _HELD), else_=0).label("held"),
        ACCOUNTS.c.debt,
        _SOONEST_AT.label("expires_at"),
        (_SOONEST_POINTS[0] + _SOONEST_POINTS[1]).label("points"),
    )
    .select_from(ACCOUNTS.join(_SUMS, true()).outerjoin(_DATED, true()).outerjoin(_IDLE, true()))
    .where(ACCOUNTS.c.member_id == bindparam("member_id"))
)
"""A member's points at an instant; parameters ``member_id`` and ``at``."""


def summary(session: Session, *, member_id: int, at: datetime) -> PointsSummary:
    """Return a member's points at ``at``; all zero while there is no account.

    Points whose lot has expired are in the balance until the nightly job books them out, and nowhere else.
    """
    row = session.execute(SUMMARY, {"member_id": member_id, "at": at}).first()
    return PointsSummary() if row is None else read_summary(row)


def read_summary(row: AnyRow) -> PointsSummary:
    """Read the columns of ``SUMMARY``, also where a larger statement took them along."""
    return PointsSummary(
        balance=row.balance,
        available=max(0, int(row.available) - row.debt),
        pending=int(row.pending),
        held=int(row.held),
        debt=row.debt,
        soonest_expires_at=row.expires_at,
        soonest_expiring_points=int(row.points),
    )


def list_lots_with_points(session: Session, *, member_id: int) -> Sequence[OpenLot]:
    """Return every lot that still holds points, also pending and expired ones."""
    rows = session.execute(
        select(Lot.id, Lot.remaining, Lot.opened_at, Lot.expires_at)
        .where(Lot.member_id == member_id, Lot.remaining > 0)
        .order_by(Lot.id)
    )
    return [OpenLot(*row) for row in rows]


def find_posting(session: Session, *, member_id: int, kind: EntryKind, reference: str) -> Posting | None:
    """Return what was posted under a reference, as a replay, or nothing."""
    row = session.execute(
        select(LedgerEntry.id, LedgerEntry.sequence, LedgerEntry.points, LedgerEntry.balance_after).where(
            LedgerEntry.member_id == member_id, LedgerEntry.kind == kind, LedgerEntry.reference == reference
        )
    ).first()
    return None if row is None else Posting(*row, is_replay=True)


def get_entry(session: Session, *, member_id: int, entry_id: int) -> LedgerEntry:
    """Return one entry of a member.

    Raises:
        EntryNotFound: the member has no such entry.
    """
    entry = session.get(LedgerEntry, (member_id, entry_id))
    if entry is None:
        raise EntryNotFound(entry_id=entry_id)
    return entry


@dataclass(frozen=True, slots=True)
class Undone:
    """What the reversals of an entry have undone so far, and how much of that had expired before."""

    points: int
    expired: int


def points_undone(session: Session, *, member_id: int, entry_id: int) -> Undone:
    """Return how many points of an entry its reversals have undone so far."""
    expired = cast(LedgerEntry.explanation["expired"].astext, BigInteger)
    row = session.execute(
        select(func.coalesce(func.sum(LedgerEntry.reversed_points), 0), func.coalesce(func.sum(expired), 0)).where(
            LedgerEntry.member_id == member_id, LedgerEntry.reversed_entry_id == entry_id
        )
    ).one()
    return Undone(*(int(points) for points in row))


@dataclass(frozen=True, slots=True)
class LockedAccount:
    """What an account says beside its balance, once nobody else can change it."""

    held: int
    debt: int


_LOCK = (
    select(ACCOUNTS.c.held, ACCOUNTS.c.debt)
    .where(ACCOUNTS.c.member_id == bindparam("member_id"))
    .with_for_update(key_share=True)
)


def lock_account(session: Session, *, member_id: int) -> LockedAccount | None:
    """Hold a member's account until the transaction ends; nothing while there is none.

    Its key does not change, so that rows that refer to it can still be written by others.
    """
    row = session.execute(_LOCK, {"member_id": member_id}).first()
    return None if row is None else LockedAccount(*row)
