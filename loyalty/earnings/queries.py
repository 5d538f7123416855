"""Earnings queries: what a member has, the lines of the statement, and what is left of an accrual."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, any_, bindparam, func, or_, select, true
from sqlalchemy import column as named_column
from sqlalchemy.orm import Session

from loyalty.earnings.models import EarningsEntry
from loyalty.earnings.posting import ACCOUNTS, ENTRIES, Posting
from loyalty.earnings.rules import Balance, EarningsKind
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.database import Json
from loyalty.kernel.pagination import Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.members.queries import family_ids


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a member's money statement (收益明细)."""

    id: int
    member_id: int
    kind: EarningsKind
    amount_fen: int
    balance: Balance
    reference: str
    explanation: Json
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Accrual:
    """What was earned under a reference, and what became of it."""

    accrued_fen: int
    reversed_fen: int
    is_approved: bool

    @property
    def left_fen(self) -> int:
        """What was not undone."""
        return self.accrued_fen - self.reversed_fen


def balance(session: Session, *, member_id: int) -> Balance:
    """Return what a member has; nothing for who never earned."""
    columns = (ACCOUNTS.c.pending_fen, ACCOUNTS.c.available_fen, ACCOUNTS.c.owed_fen)
    row = session.execute(select(*columns).where(ACCOUNTS.c.member_id == member_id)).first()
    return Balance() if row is None else Balance(*row)


def statement(
    session: Session,
    *,
    member_id: int,
    kinds: Collection[EarningsKind] = (),
    cursor: str | None = None,
    limit: int = 20,
) -> Page[StatementLine]:
    """Return the lines of a member and of who was merged into them, newest first.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    query = (
        select(EarningsEntry)
        .where(EarningsEntry.member_id.in_(family_ids(member_id)))
        .order_by(EarningsEntry.id.desc())
        .limit(limit + 1)
    )
    if kinds:
        query = query.where(EarningsEntry.kind.in_(kinds))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(EarningsEntry.id < last_id)
    return page_of([_line(entry) for entry in session.scalars(query)], limit=limit, id_of=lambda line: line.id)


def find_accrual(session: Session, *, member_id: int, reference: str) -> Accrual | None:
    """Return what became of an accrual, also where another member earned or undid it who was merged since."""
    return accruals_among(session, named=[(member_id, reference)]).get((member_id, reference))


def accruals_among(session: Session, *, named: Sequence[tuple[int, str]]) -> dict[tuple[int, str], Accrual]:
    """Return what became of accruals, by pairs of a member and a reference; nothing for what was never accrued."""
    entry, given = ENTRIES.c, _GIVEN.c
    is_whole = entry.kind.in_((EarningsKind.ACCRUE, EarningsKind.APPROVE)) & (entry.reference == given.reference)
    accrued_fen = func.sum(entry.amount_fen).filter(entry.kind == EarningsKind.ACCRUE)
    reversed_fen = func.sum(entry.amount_fen).filter(entry.kind == EarningsKind.REVERSE)
    rows = session.execute(
        select(
            given.member_id,
            given.reference,
            accrued_fen.label("accrued_fen"),
            func.coalesce(reversed_fen, 0).label("reversed_fen"),
            func.bool_or(entry.kind == EarningsKind.APPROVE).label("is_approved"),
        )
        .join_from(_GIVEN, Member, _IS_OF_FAMILY)
        .join(ENTRIES, (entry.member_id == Member.id) & (is_whole | (entry.accrual_reference == given.reference)))
        .group_by(given.member_id, given.reference)
        .having(accrued_fen.is_not(None)),
        _sent(named),
    )
    return {
        (row.member_id, row.reference): Accrual(int(row.accrued_fen), int(row.reversed_fen), row.is_approved)
        for row in rows
    }


def find_posting(session: Session, *, member_id: int, kind: EarningsKind, reference: str) -> Posting | None:
    """Return what was posted under a reference, as a replay, also where who was merged since did it."""
    entry = session.scalars(
        select(EarningsEntry).where(
            EarningsEntry.member_id.in_(family_ids(member_id)),
            EarningsEntry.kind == kind,
            EarningsEntry.reference == reference,
        )
    ).first()
    if entry is None:
        return None
    return Posting(entry.id, entry.member_id, entry.amount_fen, _balance_after(entry), is_replay=True)


def known_among(
    session: Session, *, kind: EarningsKind, named: Sequence[tuple[int, str]]
) -> frozenset[tuple[int, str]]:
    """Return those pairs of a member and a reference that were posted, also by who was merged into the member."""
    rows = session.execute(_KNOWN, {"kind": kind, **_sent(named)})
    return frozenset((row.member_id, row.reference) for row in rows)


def _sent(named: Sequence[tuple[int, str]]) -> dict[str, list[Any]]:
    return {
        "member_ids": [member_id for member_id, _reference in named],
        "entry_references": [reference for _member_id, reference in named],
    }


def _given() -> Any:
    arrays = [
        bindparam("member_ids", type_=SentArray(BigInteger())),
        bindparam("entry_references", type_=SentArray(String())),
    ]
    columns: list[ColumnElement[Any]] = [named_column("member_id", BigInteger()), named_column("reference", String())]
    return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


_GIVEN = _given()
_IS_OF_FAMILY = or_(Member.id == _GIVEN.c.member_id, Member.merged_into_id == _GIVEN.c.member_id)


def _known() -> Any:
    """Looked up pair by pair: joined, all entries of the kind are read for a page, however many there are."""
    entry, given = ENTRIES.c, _GIVEN.c
    family = func.array(select(Member.id).where(_IS_OF_FAMILY).correlate(_GIVEN).scalar_subquery())
    is_posted = (
        select(true())
        .where(entry.member_id == any_(family), entry.kind == bindparam("kind", type_=String))
        .where(entry.reference == given.reference)
        .correlate(_GIVEN)
        .limit(1)
        .scalar_subquery()
    )
    return select(given.member_id, given.reference).where(is_posted)


_KNOWN = _known()


def _line(entry: EarningsEntry) -> StatementLine:
    return StatementLine(
        id=entry.id,
        member_id=entry.member_id,
        kind=EarningsKind(entry.kind),
        amount_fen=entry.amount_fen,
        balance=_balance_after(entry),
        reference=entry.reference,
        explanation=entry.explanation,
        occurred_at=entry.occurred_at,
        recorded_at=entry.recorded_at,
    )


def _balance_after(entry: EarningsEntry) -> Balance:
    return Balance(entry.pending_after, entry.available_after, entry.owed_after)
