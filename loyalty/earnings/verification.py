"""Verification (收益核验): proves every money account and entry from the others.

Entries continue each other's chain and balances, an account is what its last entry says, and a day is as it was sealed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, Text, case, cast, func, literal_column, or_, select
from sqlalchemy.orm import Session

from loyalty.earnings.posting import ACCOUNTS, COLUMNS, ENTRIES
from loyalty.earnings.sealing import BOOK
from loyalty.kernel import chain
from loyalty.kernel.sealing import list_seals, misfits
from loyalty.points.verification import DISCREPANCIES_MAX, Discrepancy

_ZERO = literal_column("0", BigInteger)
_ONE = literal_column("1", Integer)
_SUMS = ("pending", "available", "owed")


@dataclass(frozen=True, slots=True)
class EarningsVerification:
    """What was proved of the money accounts, and the first rows that do not fit."""

    accounts_count: int
    entries_count: int
    seals_count: int
    discrepancies: Sequence[Discrepancy]

    @property
    def is_green(self) -> bool:
        """Whether everything fits."""
        return not self.discrepancies


def verify(session: Session, *, seal_key: bytes, at: datetime, member_id: int | None = None) -> EarningsVerification:
    """Prove the money accounts, or that of one member, whose seals cannot be proved apart.

    Sequences, chains, balances, accounts and seals are reckoned anew; missing ones are found.
    """
    found: list[Discrepancy] = []
    for proof in (_broken_entries(), _accounts_that_differ()):
        rows = proof if member_id is None else proof.where(proof.selected_columns.member_id == member_id)
        for row in session.execute(rows.limit(DISCREPANCIES_MAX)):
            found.append(Discrepancy(row.table_name, row.row_name, row.member_id, row.reason))
    seals = list_seals(session, BOOK) if member_id is None else ()
    for misfit in islice(misfits(session, BOOK, seals, seal_key=seal_key, at=at), DISCREPANCIES_MAX):
        found.append(Discrepancy("earnings_seals", misfit.sealed_on.isoformat(), None, misfit.reason))
    counts = select(func.count(), func.coalesce(cast(func.sum(ACCOUNTS.c.last_sequence), BigInteger), 0))
    if member_id is not None:
        counts = counts.where(ACCOUNTS.c.member_id == member_id)
    accounts_count, entries_count = session.execute(counts.select_from(ACCOUNTS)).one()
    return EarningsVerification(accounts_count, entries_count, len(seals), found[:DISCREPANCIES_MAX])


def _broken_entries() -> Select[Any]:
    entry = ENTRIES.c
    over: dict[str, Any] = {"partition_by": entry.member_id, "order_by": entry.sequence}

    def before(column: ColumnElement[Any], first: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.lag(column, _ONE, first).over(**over)

    digest = chain.digest(before(entry.digest, chain.GENESIS), COLUMNS, {name: entry[name] for name in COLUMNS})
    does_not_add_up = [
        entry[f"{name}_after"] != before(entry[f"{name}_after"], _ZERO) + entry[f"{name}_change"] for name in _SUMS
    ]
    reason = case(
        (entry.sequence != before(entry.sequence, _ZERO) + 1, "entries before it are missing, or stand twice"),
        (entry.digest != digest, "it does not continue the chain: it, or the one before, was changed"),
        (or_(*does_not_add_up), "what it leaves is not what was there plus what it changed"),
        else_=None,
    )
    rows = select(
        entry.member_id, cast(entry.id, Text).label("row_name"), entry.sequence, reason.label("reason")
    ).subquery("checked")
    return (
        select(
            rows.c.member_id,
            literal_column("'earnings_entries'", Text).label("table_name"),
            rows.c.row_name,
            rows.c.reason,
        )
        .where(rows.c.reason.is_not(None))
        .order_by(rows.c.member_id, rows.c.sequence)
    )


def _accounts_that_differ() -> Select[Any]:
    account = ACCOUNTS.c
    last = (
        select(ENTRIES)
        .where(ENTRIES.c.member_id == account.member_id)
        .order_by(ENTRIES.c.sequence.desc())
        .limit(1)
        .lateral("last")
    )
    reason = case(
        (account.last_sequence != func.coalesce(last.c.sequence, _ZERO), "last_sequence is not its last entry's"),
        (account.chain_head != func.coalesce(last.c.digest, chain.GENESIS), "chain_head is not its last entry's"),
        (
            or_(*(account[f"{name}_fen"] != func.coalesce(last.c[f"{name}_after"], _ZERO) for name in _SUMS)),
            "what it holds is not what its last entry left",
        ),
        else_=None,
    )
    return (
        select(
            account.member_id,
            literal_column("'earnings_accounts'", Text).label("table_name"),
            cast(account.member_id, Text).label("row_name"),
            reason.label("reason"),
        )
        .select_from(ACCOUNTS.outerjoin(last, literal_column("true")))
        .where(reason.is_not(None))
        .order_by(account.member_id)
    )
