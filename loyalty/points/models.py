"""Tables of points. Entries and draws are append-only: a trigger refuses every change, also to the owner.

``member_id`` leads every key, so that the tables can be spread over several machines by it.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Sequence,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.kernel.sealing import Seal
from loyalty.points.rules import EntryKind, HoldState

ENTRY_IDS = Sequence("ledger_entry_ids", metadata=Base.metadata, data_type=BigInteger)
"""Drawn before an entry is written, since its digest covers its id."""

_KINDS = ", ".join(f"'{kind}'" for kind in EntryKind)
_HOLD_STATES = ", ".join(f"'{state}'" for state in HoldState)


class PointsAccount(Base):
    """One row is a member's points account (积分账户): the sums that its entries and lots prove.

    ``balance`` is what is left in all lots, spendable or not; Σ entries = ``balance`` − ``debt``.
    """

    __tablename__ = "points_accounts"
    __table_args__ = (
        CheckConstraint("balance >= 0", name="balance"),
        CheckConstraint("held >= 0 AND held <= balance", name="held"),
        CheckConstraint("debt >= 0", name="debt"),
        # Room on the page, so that a new balance needs no new index entries.
        {
            "postgresql_with": {"fillfactor": 70},
            "info": {"member_data": {"merge": "custom", "export": True, "erase": "keep"}},
        },
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True, autoincrement=False)
    balance: Mapped[int] = mapped_column(server_default=text("0"))
    held: Mapped[int] = mapped_column(server_default=text("0"))
    debt: Mapped[int] = mapped_column(server_default=text("0"))
    """What the member owes (待抵扣积分): no point can be spent before it is paid, and the next credit pays it first."""
    last_debt_change: Mapped[int] = mapped_column(server_default=text("0"))
    """By how much the last entry changed the debt: PostgreSQL returns rows only as they have become."""
    last_sequence: Mapped[int] = mapped_column(server_default=text("0"))
    chain_head: Mapped[bytes] = mapped_column(LargeBinary, server_default=text("''::bytea"))
    """Digest of the last entry; empty before the first."""
    opened_at: Mapped[datetime]
    last_activity_at: Mapped[datetime | None]


class LedgerEntry(Base):
    """One row is one change of a member's points (积分流水); nothing of it ever changes.

    ``sequence`` counts from 1 without gaps for each member, and ``digest`` continues the chain of the entry
    before. The explanation holds ids, figures and codes, never personal data: the digest covers it for ever.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("member_id", "sequence"),
        UniqueConstraint("member_id", "kind", "reference"),
        ForeignKeyConstraint(
            ["member_id", "reversed_entry_id"],
            ["ledger_entries.member_id", "ledger_entries.id"],
            name="fk_ledger_entries_reversed",
        ),
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        CheckConstraint("points <> 0 OR kind IN ('reverse', 'transfer')", name="points"),
        CheckConstraint("balance_after >= 0", name="balance_after"),
        CheckConstraint("debt_after >= 0", name="debt_after"),
        CheckConstraint(
            "(kind = 'reverse') = (reversed_entry_id IS NOT NULL)"
            " AND (kind = 'reverse') = (reversed_points IS NOT NULL)",
            name="reversed",
        ),
        Index(
            "ix_ledger_entries_reversed",
            "member_id",
            "reversed_entry_id",
            postgresql_where=text("reversed_entry_id IS NOT NULL"),
        ),
        # Rows arrive in the order of time: a few pages of summary find a day among millions.
        Index("ix_ledger_entries_recorded_at", "recorded_at", postgresql_using="brin"),
        Index("ix_ledger_entries_id", "id", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("points_accounts.member_id"), primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    kind: Mapped[str]
    points: Mapped[int]
    """Signed: what the member gained or lost."""
    balance_after: Mapped[int]
    debt_after: Mapped[int]
    reference: Mapped[str]
    """What caused it, as ``source:key``; unique for each member and kind, for ever."""
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    actor: Mapped[str]
    revision_id: Mapped[int | None]
    """The revision of the earning rule that paid."""
    reversed_entry_id: Mapped[int | None]
    reversed_points: Mapped[int | None]
    """How many points of the reversed entry this undoes; more than was moved when a part was forgiven."""
    explanation: Mapped[Json]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class Lot(Base):
    """One row is one credit (积分批次) and what is left of it.

    Only ``remaining``, ``held`` and the terms of its expiry change. What is free to be spent or to expire is
    ``remaining`` − ``held``.
    """

    __tablename__ = "lots"
    __table_args__ = (
        ForeignKeyConstraint(
            ["member_id", "entry_id"], ["ledger_entries.member_id", "ledger_entries.id"], name="fk_lots_entry"
        ),
        CheckConstraint("points > 0", name="points"),
        CheckConstraint("remaining >= 0 AND remaining <= points", name="remaining"),
        CheckConstraint("held >= 0 AND held <= remaining", name="held"),
        Index("ix_lots_entry", "member_id", "entry_id"),
        CheckConstraint("(idle_days IS NULL) = (idle_zone IS NULL) AND idle_days > 0", name="idle"),
        Index("ix_lots_open", "member_id", "expires_at", "opened_at", "id", postgresql_where=text("remaining > 0")),
        Index("ix_lots_idle", "member_id", postgresql_where=text("remaining > 0 AND idle_days IS NOT NULL")),
        # What expires, and what is pending, of all members at once.
        # Of lots that do expire only, so that a member's own lots without expiry are never looked for here.
        Index(
            "ix_lots_expires_at",
            "expires_at",
            postgresql_where=text("remaining > 0 AND idle_days IS NULL AND expires_at IS NOT NULL"),
        ),
        Index("ix_lots_available_at", "available_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        {"info": {"member_data": {"merge": "custom", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    entry_id: Mapped[int]
    points: Mapped[int]
    remaining: Mapped[int]
    held: Mapped[int] = mapped_column(server_default=text("0"))
    """What placed holds bind of it."""
    opened_at: Mapped[datetime]
    """When the points were earned in business time; a transfer keeps it."""
    available_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    """The first instant at which the points can no longer be spent; empty for points that never expire."""
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    """The store that issued the points and owes their value; a transfer keeps it."""
    idle_days: Mapped[int | None]
    """How many days after the account's last activity the points still live; see ``lifetimes.ends_at``."""
    idle_zone: Mapped[str | None]
    """The zone whose midnight ends those days."""


class Draw(Base):
    """One row is what one entry took from one lot (批次扣减), negative when it put points back; never changes."""

    __tablename__ = "draws"
    __table_args__ = (
        ForeignKeyConstraint(
            ["member_id", "entry_id"], ["ledger_entries.member_id", "ledger_entries.id"], name="fk_draws_entry"
        ),
        ForeignKeyConstraint(["member_id", "lot_id"], ["lots.member_id", "lots.id"], name="fk_draws_lot"),
        CheckConstraint("points <> 0", name="points"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[int]
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    """The store that took the points and is owed their value."""


class Hold(Base):
    """One row is points set aside for a purchase under way (冻结), until captured, released or expired.

    What was captured is a spend entry with the hold's reference.
    """

    __tablename__ = "holds"
    __table_args__ = (
        UniqueConstraint("member_id", "reference"),
        CheckConstraint(f"state IN ({_HOLD_STATES})", name="state"),
        CheckConstraint("points > 0", name="points"),
        CheckConstraint("captured_points >= 0 AND captured_points <= points", name="captured_points"),
        CheckConstraint("(state = 'placed') = (closed_at IS NULL)", name="closed_at"),
        Index("ix_holds_placed", "expires_at", postgresql_where=text("state = 'placed'")),
        Index("ix_holds_placed_of_member", "member_id", postgresql_where=text("state = 'placed'")),
        {"info": {"member_data": {"merge": "custom", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("points_accounts.member_id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    reference: Mapped[str]
    points: Mapped[int]
    captured_points: Mapped[int] = mapped_column(server_default=text("0"))
    state: Mapped[str] = mapped_column(server_default=text("'placed'"))
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    actor: Mapped[str] = mapped_column(server_default=text("'system'"))
    placed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """The first instant at which it binds nothing any more, whether or not a job has closed it."""
    closed_at: Mapped[datetime | None]


class HoldLot(Base):
    """One row is what one hold binds, or bound until it was closed, of one lot; never changes."""

    __tablename__ = "hold_lots"
    __table_args__ = (
        ForeignKeyConstraint(["member_id", "hold_id"], ["holds.member_id", "holds.id"], name="fk_hold_lots_hold"),
        ForeignKeyConstraint(["member_id", "lot_id"], ["lots.member_id", "lots.id"], name="fk_hold_lots_lot"),
        CheckConstraint("points > 0", name="points"),
        {"info": {"member_data": {"merge": "keep", "export": False, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(primary_key=True)
    hold_id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(primary_key=True)
    points: Mapped[int]


class LedgerSeal(Seal, Base):
    """One row seals the entries recorded on one business date: how many, and an HMAC over the chain heads.

    Its key is outside the database. Never changes.
    """

    __tablename__ = "ledger_seals"
