"""Points queries: the summary and the statement that members see, and what a posting needs to know.

Each of those for members is one statement; a page of entries costs the same at any depth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import DateTime, Integer, bindparam, func, select, true, union_all
from sqlalchemy.orm import Session

from loyalty.kernel.database import AnyRow, Json
from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.points.explanations import sentence
from loyalty.points.lots import spendable, unexpired
from loyalty.points.models import LedgerEntry, Lot
from loyalty.points.posting import ACCOUNTS, ENTRIES, LOTS, Posting
from loyalty.points.rules import EntryKind, EntryNotFound, OpenLot


@dataclass(frozen=True, slots=True)
class PointsSummary:
    """A member's points at an instant: ``balance`` is all of them, ``available`` what can be spent now."""

    balance: int = 0
    available: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    soonest_expires_at: datetime | None = None
    soonest_expiring_points: int = 0


@dataclass(frozen=True, slots=True)
class EntryView:
    """One line of a member's statement (积分明细)."""

    id: int
    kind: EntryKind
    points: int
    balance_after: int
    occurred_at: datetime
    reason: str
    explanation: Json


_AT = bindparam("at", type_=DateTime(timezone=True))
_OWN_LOTS = LOTS.c.member_id == ACCOUNTS.c.member_id
_SOONEST = (
    select(LOTS.c.expires_at, func.sum(LOTS.c.remaining).label("points"))
    .where(_OWN_LOTS, spendable(_AT), LOTS.c.expires_at.is_not(None))
    .group_by(LOTS.c.expires_at)
    .order_by(LOTS.c.expires_at)
    .limit(1)
    .lateral("soonest")
)
_SUMS = (
    select(
        func.coalesce(func.sum(LOTS.c.remaining).filter(LOTS.c.available_at <= _AT), 0).label("available"),
        func.coalesce(func.sum(LOTS.c.remaining).filter(LOTS.c.available_at > _AT), 0).label("pending"),
    )
    .where(_OWN_LOTS, LOTS.c.remaining > 0, unexpired(_AT))
    .lateral("sums")
)
SUMMARY = (
    select(
        ACCOUNTS.c.balance,
        _SUMS.c.available,
        _SUMS.c.pending,
        ACCOUNTS.c.held,
        ACCOUNTS.c.debt,
        _SOONEST.c.expires_at,
        _SOONEST.c.points,
    )
    .select_from(ACCOUNTS.join(_SUMS, true()).outerjoin(_SOONEST, true()))
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
        available=max(0, int(row.available) - row.held),
        pending=int(row.pending),
        held=row.held,
        debt=row.debt,
        soonest_expires_at=row.expires_at,
        soonest_expiring_points=int(row.points or 0),
    )


_OWNER_ID = bindparam("member_id", type_=ACCOUNTS.c.member_id.type)
_OWNERS = union_all(
    select(_OWNER_ID.label("id")), select(Member.__table__.c.id).where(Member.__table__.c.merged_into_id == _OWNER_ID)
).subquery("owners")
_BEFORE_ID = bindparam("before_id", type_=ENTRIES.c.id.type)
_LIMIT = bindparam("row_limit", type_=Integer)
_LINES = (
    select(
        ENTRIES.c.id,
        ENTRIES.c.kind,
        ENTRIES.c.points,
        ENTRIES.c.balance_after,
        ENTRIES.c.occurred_at,
        ENTRIES.c.explanation,
    )
    .where(ENTRIES.c.member_id == _OWNERS.c.id, ENTRIES.c.id < _BEFORE_ID)
    .order_by(ENTRIES.c.id.desc())
    .limit(_LIMIT)
    .lateral("lines")
)
_STATEMENT = select(*_LINES.c).select_from(_OWNERS.join(_LINES, true())).order_by(_LINES.c.id.desc()).limit(_LIMIT)
_AFTER_ALL_ENTRIES = 2**63 - 1


def list_entries(
    session: Session, *, member_id: int, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[EntryView]:
    """Return a page of a member's statement, newest first, with what members merged into this one had.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    size = max(1, min(limit, PAGE_SIZE_MAX))
    before_id = decode_cursor(cursor) or _AFTER_ALL_ENTRIES
    rows = session.execute(_STATEMENT, {"member_id": member_id, "before_id": before_id, "row_limit": size + 1})
    views = [
        EntryView(
            id=row.id,
            kind=EntryKind(row.kind),
            points=row.points,
            balance_after=row.balance_after,
            occurred_at=row.occurred_at,
            reason=sentence(kind=row.kind, points=row.points, explanation=row.explanation),
            explanation=row.explanation,
        )
        for row in rows
    ]
    return page_of(views, limit=size, id_of=lambda view: view.id)


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


def points_undone(session: Session, *, member_id: int, entry_id: int) -> int:
    """Return how many points of an entry its reversals have undone so far."""
    undone = select(func.coalesce(func.sum(LedgerEntry.reversed_points), 0)).where(
        LedgerEntry.member_id == member_id, LedgerEntry.reversed_entry_id == entry_id
    )
    return int(session.execute(undone).scalar_one() or 0)


_LOCK = (
    select(ACCOUNTS.c.member_id).where(ACCOUNTS.c.member_id == bindparam("member_id")).with_for_update(key_share=True)
)


def lock_account(session: Session, *, member_id: int) -> bool:
    """Hold a member's account until the transaction ends; False while there is none.

    Its key does not change, so that rows that refer to it can still be written by others.
    """
    return session.execute(_LOCK, {"member_id": member_id}).first() is not None
