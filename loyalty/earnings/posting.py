"""Posting (记账): the one statement that changes money accounts, for one member or for a page of them.

The caller holds the accounts' locks and has reckoned what each entry changes. The statement moves the accounts and
appends the entries with their digests, at most one for each member.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    String,
    any_,
    bindparam,
    cast,
    func,
    select,
    update,
)
from sqlalchemy import column as named_column
from sqlalchemy import insert as insert_rows
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from loyalty.earnings.models import ENTRY_IDS, EarningsAccount, EarningsEntry
from loyalty.earnings.rules import Balance, EarningsKind
from loyalty.kernel import chain
from loyalty.kernel.arrays import SentArray
from loyalty.kernel.database import Json
from loyalty.kernel.errors import InvariantBroken
from loyalty.points.posting import table_of

ACCOUNTS, ENTRIES = map(table_of, (EarningsAccount, EarningsEntry))
COLUMNS = (
    "member_id",
    "id",
    "sequence",
    "kind",
    "amount_fen",
    "pending_change",
    "available_change",
    "owed_change",
    "pending_after",
    "available_after",
    "owed_after",
    "reference",
    "accrual_reference",
    "actor",
    "explanation",
    "occurred_at",
    "recorded_at",
)
"""The format of every chain ever written: neither order nor types may change."""
_SENT: Mapping[str, TypeEngine[Any]] = {
    "member_id": BigInteger(),
    "kind": String(),
    "amount_fen": BigInteger(),
    "pending_change": BigInteger(),
    "available_change": BigInteger(),
    "owed_change": BigInteger(),
    "reference": String(),
    "accrual_reference": String(),
    "actor": String(),
    "explanation": String(),
    "occurred_at": DateTime(timezone=True),
}


@dataclass(frozen=True, slots=True)
class Posting:
    """What an entry did; a replay tells what the first call did."""

    entry_id: int
    member_id: int
    amount_fen: int
    balance: Balance
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry to be written, with the balances before and after it."""

    member_id: int
    kind: EarningsKind
    amount_fen: int
    before: Balance
    after: Balance
    reference: str
    explanation: Json
    occurred_at: datetime
    actor: str
    accrual_reference: str | None = None

    def to_row(self) -> Mapping[str, Any]:
        """Return the columns that are sent."""
        return {
            "member_id": self.member_id,
            "kind": self.kind,
            "amount_fen": self.amount_fen,
            "pending_change": self.after.pending_fen - self.before.pending_fen,
            "available_change": self.after.available_fen - self.before.available_fen,
            "owed_change": self.after.owed_fen - self.before.owed_fen,
            "reference": self.reference,
            "accrual_reference": self.accrual_reference,
            "actor": self.actor,
            "explanation": json.dumps(self.explanation, ensure_ascii=False),
            "occurred_at": self.occurred_at,
        }


def lock_accounts(session: Session, *, member_ids: Sequence[int], at: datetime) -> dict[int, Balance]:
    """Hold members' accounts until the transaction ends, ascending by member, opening those that there are not yet."""
    wanted = sorted(set(member_ids))
    found = _locked(session, wanted)
    if len(found) < len(wanted):
        missing = [{"member_id": member_id, "opened_at": at} for member_id in wanted if member_id not in found]
        session.execute(insert(ACCOUNTS).values(missing).on_conflict_do_nothing())
        found = _locked(session, wanted)
    return found


def post(session: Session, entries: Sequence[Entry], *, at: datetime) -> list[Posting]:
    """Write entries, one for each member, whose accounts the caller holds."""
    assert len({entry.member_id for entry in entries}) == len(entries), "one entry for each member"
    rows = [entry.to_row() for entry in entries]
    sent = {f"given_{name}": [row[name] for row in rows] for name in _SENT}
    written = {row.member_id: row for row in session.execute(_POST, {**sent, "given_recorded_at": at})}
    if len(written) != len(entries):
        raise InvariantBroken("An account of earnings is missing, though it was locked")
    return [
        Posting(written[entry.member_id].entry_id, entry.member_id, entry.amount_fen, entry.after) for entry in entries
    ]


def _locked(session: Session, member_ids: Sequence[int]) -> dict[int, Balance]:
    rows = session.execute(_LOCK, {"member_ids": member_ids})
    return {row.member_id: Balance(row.pending_fen, row.available_fen, row.owed_fen) for row in rows}


def _source() -> FromClause:
    columns: list[ColumnElement[Any]] = [named_column(name, type_) for name, type_ in _SENT.items()]
    arrays = [bindparam(f"given_{name}", type_=SentArray(type_)) for name, type_ in _SENT.items()]
    rows = func.unnest(*arrays).table_valued(*columns, name="rows").render_derived()
    kept = [rows.c[name] for name in _SENT if name != "explanation"]
    return select(
        ENTRY_IDS.next_value().label("id"),
        *kept,
        cast(rows.c.explanation, JSONB).label("explanation"),
        bindparam("given_recorded_at", type_=DateTime(timezone=True)).label("recorded_at"),
    ).cte("source")


def _post() -> Select[Any]:
    source = _source()
    row, account = source.c, ACCOUNTS.c
    after = {
        "pending_after": account.pending_fen + row.pending_change,
        "available_after": account.available_fen + row.available_change,
        "owed_after": account.owed_fen + row.owed_change,
        "sequence": account.last_sequence + 1,
    }
    moved = (
        update(ACCOUNTS)
        .where(account.member_id == row.member_id)
        .values(
            pending_fen=after["pending_after"],
            available_fen=after["available_after"],
            owed_fen=after["owed_after"],
            last_sequence=after["sequence"],
            chain_head=chain.digest(account.chain_head, COLUMNS, {**row, **after}),
        )
        .returning(
            *row,
            account.pending_fen.label("pending_after"),
            account.available_fen.label("available_after"),
            account.owed_fen.label("owed_after"),
            account.last_sequence.label("sequence"),
            account.chain_head.label("digest"),
        )
        .cte("moved")
    )
    names = [*COLUMNS, "digest"]
    entered = insert_rows(ENTRIES).from_select(names, select(*(moved.c[name] for name in names))).cte("entered")
    return select(moved.c.member_id, moved.c.id.label("entry_id")).add_cte(entered)


_LOCK = (
    select(ACCOUNTS.c.member_id, ACCOUNTS.c.pending_fen, ACCOUNTS.c.available_fen, ACCOUNTS.c.owed_fen)
    .where(ACCOUNTS.c.member_id == any_(bindparam("member_ids", type_=SentArray(BigInteger()))))
    .order_by(ACCOUNTS.c.member_id)
    .with_for_update(key_share=True)
)
_POST = _post()
