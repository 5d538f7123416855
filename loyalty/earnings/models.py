"""Tables of earnings. Entries are append-only: a trigger refuses every change, also to the owner.

``member_id`` leads every key, so that the tables can be spread over several machines by it.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.earnings.rules import EarningsKind
from loyalty.kernel.database import Base, Json
from loyalty.kernel.sealing import Seal

ENTRY_IDS = Sequence("earnings_entry_ids", metadata=Base.metadata, data_type=BigInteger)
"""Drawn before an entry is written, since its digest covers its id."""

_KINDS = ", ".join(f"'{kind}'" for kind in EarningsKind)
_CHANGES = (
    "CASE kind"
    " WHEN 'accrue' THEN pending_change = amount_fen AND available_change = 0 AND owed_change = 0"
    " WHEN 'approve' THEN pending_change = -amount_fen AND available_change - owed_change = amount_fen"
    " AND available_change >= 0 AND owed_change <= 0"
    " WHEN 'reverse' THEN (pending_change = -amount_fen AND available_change = 0 AND owed_change = 0)"
    " OR (pending_change = 0 AND owed_change - available_change = amount_fen"
    " AND available_change <= 0 AND owed_change >= 0)"
    " WHEN 'withdraw' THEN pending_change = 0 AND available_change = -amount_fen AND owed_change = 0"
    " WHEN 'withhold' THEN pending_change = 0 AND available_change = -amount_fen AND owed_change = 0"
    " WHEN 'return' THEN pending_change = 0 AND available_change - owed_change = amount_fen"
    " AND available_change >= 0 AND owed_change <= 0"
    " WHEN 'forfeit' THEN pending_change <= 0 AND available_change <= 0 AND owed_change = 0"
    " AND pending_change + available_change = -amount_fen"
    " ELSE abs(pending_change + available_change - owed_change) = amount_fen END"
)


class EarningsAccount(Base):
    """One row is a member's money account (收益账户), in fen: the sums that its entries prove."""

    __tablename__ = "earnings_accounts"
    __table_args__ = (
        CheckConstraint("pending_fen >= 0", name="pending_fen"),
        CheckConstraint("available_fen >= 0", name="available_fen"),
        CheckConstraint("owed_fen >= 0", name="owed_fen"),
        CheckConstraint("available_fen = 0 OR owed_fen = 0", name="owed_is_paid_first"),
        Index("ix_earnings_accounts_available", "member_id", postgresql_where=text("available_fen > 0")),
        {
            "postgresql_with": {"fillfactor": 70},
            "info": {"member_data": {"merge": "custom", "export": True, "erase": "keep"}},
        },
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True, autoincrement=False)
    pending_fen: Mapped[int] = mapped_column(server_default=text("0"))
    available_fen: Mapped[int] = mapped_column(server_default=text("0"))
    owed_fen: Mapped[int] = mapped_column(server_default=text("0"))
    last_sequence: Mapped[int] = mapped_column(server_default=text("0"))
    chain_head: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"))
    """Digest of the last entry; empty before the first."""
    opened_at: Mapped[datetime]


class EarningsEntry(Base):
    """One row is one change of a member's money (收益流水); nothing of it ever changes.

    ``sequence`` counts from 1 without gaps for each member, and ``digest`` continues the chain of the entry before.
    The explanation holds ids, figures and codes, never personal data: the digest covers it for ever.
    """

    __tablename__ = "earnings_entries"
    __table_args__ = (
        UniqueConstraint("member_id", "sequence"),
        UniqueConstraint("member_id", "kind", "reference"),
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        CheckConstraint("amount_fen > 0 OR kind = 'transfer'", name="amount_fen"),
        CheckConstraint(_CHANGES, name="changes"),
        CheckConstraint("(kind = 'reverse') = (accrual_reference IS NOT NULL)", name="accrual_reference"),
        Index(
            "ix_earnings_entries_accrual",
            "member_id",
            "accrual_reference",
            postgresql_where=text("accrual_reference IS NOT NULL"),
        ),
        Index("ix_earnings_entries_recorded_at", "recorded_at", postgresql_using="brin"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("earnings_accounts.member_id"), primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    kind: Mapped[str]
    amount_fen: Mapped[int]
    """What it is about, never negative; the three changes say in which direction."""
    pending_change: Mapped[int]
    available_change: Mapped[int]
    owed_change: Mapped[int]
    pending_after: Mapped[int]
    available_after: Mapped[int]
    owed_after: Mapped[int]
    reference: Mapped[str]
    """What caused it, as ``source:key``; unique for each member and kind, for ever."""
    accrual_reference: Mapped[str | None]
    """The accrual that a reversal undoes."""
    actor: Mapped[str]
    explanation: Mapped[Json]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class EarningsSeal(Seal, Base):
    """One row seals the entries of money recorded on one business date, as ``ledger_seals`` do those of points."""

    __tablename__ = "earnings_seals"
