"""Tables of points: accounts, the append-only ledger, lots and draws, holds, seals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_APPEND_ONLY = ("ledger_entries", "draws", "ledger_seals")


def upgrade() -> None:
    _create_accounts()
    _create_entries()
    _create_lots()
    _create_holds()
    _create_seals()
    _refuse_changes()


def downgrade() -> None:
    for table in ("ledger_seals", "holds", "draws", "lots", "ledger_entries", "points_accounts"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")
    op.execute(sa.schema.DropSequence(sa.Sequence("ledger_entry_ids")))


def _create_accounts() -> None:
    op.create_table(
        "points_accounts",
        sa.Column("member_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("balance", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("held", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("debt", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("last_sequence", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("chain_head", sa.LargeBinary, server_default=sa.text("''::bytea"), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("last_activity_at", _INSTANT, nullable=True),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_points_accounts_balance")),
        sa.CheckConstraint("debt >= 0", name=op.f("ck_points_accounts_debt")),
        sa.CheckConstraint("held >= 0 AND held <= balance", name=op.f("ck_points_accounts_held")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_points_accounts_member_id_members"),
        sa.PrimaryKeyConstraint("member_id", name="pk_points_accounts"),
        postgresql_with={"fillfactor": 70},
    )


def _create_entries() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("ledger_entry_ids", data_type=sa.BigInteger)))
    op.create_table(
        "ledger_entries",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("balance_after", sa.BigInteger, nullable=False),
        sa.Column("debt_after", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=True),
        sa.Column("reversed_entry_id", sa.BigInteger, nullable=True),
        sa.Column("reversed_points", sa.BigInteger, nullable=True),
        sa.Column("explanation", JSONB, nullable=False),
        sa.Column("occurred_at", _INSTANT, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.CheckConstraint(
            "(kind = 'reverse') = (reversed_entry_id IS NOT NULL)"
            " AND (kind = 'reverse') = (reversed_points IS NOT NULL)",
            name=op.f("ck_ledger_entries_reversed"),
        ),
        sa.CheckConstraint(
            "kind IN ('earn', 'spend', 'expire', 'reverse', 'adjust', 'transfer')", name=op.f("ck_ledger_entries_kind")
        ),
        sa.CheckConstraint("points <> 0 OR kind = 'reverse'", name=op.f("ck_ledger_entries_points")),
        sa.CheckConstraint("balance_after >= 0", name=op.f("ck_ledger_entries_balance_after")),
        sa.CheckConstraint("debt_after >= 0", name=op.f("ck_ledger_entries_debt_after")),
        sa.ForeignKeyConstraint(
            ["member_id", "reversed_entry_id"],
            ["ledger_entries.member_id", "ledger_entries.id"],
            name="fk_ledger_entries_reversed",
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["points_accounts.member_id"], name="fk_ledger_entries_member_id_points_accounts"
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_ledger_entries_store_id_stores"),
        sa.PrimaryKeyConstraint("member_id", "id", name="pk_ledger_entries"),
        sa.UniqueConstraint("member_id", "kind", "reference", name="uq_ledger_entries_member_id_kind_reference"),
        sa.UniqueConstraint("member_id", "sequence", name="uq_ledger_entries_member_id_sequence"),
    )
    op.create_index("ix_ledger_entries_recorded_at", "ledger_entries", ["recorded_at"], postgresql_using="brin")
    op.create_index(
        "ix_ledger_entries_reversed",
        "ledger_entries",
        ["member_id", "reversed_entry_id"],
        postgresql_where=sa.text("reversed_entry_id IS NOT NULL"),
    )


def _create_lots() -> None:
    op.create_table(
        "lots",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("entry_id", sa.BigInteger, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("remaining", sa.BigInteger, nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("available_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.CheckConstraint("points > 0", name=op.f("ck_lots_points")),
        sa.CheckConstraint("remaining >= 0 AND remaining <= points", name=op.f("ck_lots_remaining")),
        sa.ForeignKeyConstraint(
            ["member_id", "entry_id"], ["ledger_entries.member_id", "ledger_entries.id"], name="fk_lots_entry"
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_lots_store_id_stores"),
        sa.PrimaryKeyConstraint("member_id", "id", name="pk_lots"),
    )
    op.create_index("ix_lots_entry", "lots", ["member_id", "entry_id"])
    op.create_index(
        "ix_lots_open",
        "lots",
        ["member_id", "expires_at", "opened_at", "id"],
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_table(
        "draws",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("entry_id", sa.BigInteger, nullable=False),
        sa.Column("lot_id", sa.BigInteger, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.CheckConstraint("points <> 0", name=op.f("ck_draws_points")),
        sa.ForeignKeyConstraint(
            ["member_id", "entry_id"], ["ledger_entries.member_id", "ledger_entries.id"], name="fk_draws_entry"
        ),
        sa.ForeignKeyConstraint(["member_id", "lot_id"], ["lots.member_id", "lots.id"], name="fk_draws_lot"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_draws_store_id_stores"),
        sa.PrimaryKeyConstraint("member_id", "entry_id", "lot_id", name="pk_draws"),
    )


def _create_holds() -> None:
    op.create_table(
        "holds",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("captured_points", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.String, server_default=sa.text("'placed'"), nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("placed_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=True),
        sa.CheckConstraint("(state = 'placed') = (closed_at IS NULL)", name=op.f("ck_holds_closed_at")),
        sa.CheckConstraint("state IN ('placed', 'captured', 'released', 'expired')", name=op.f("ck_holds_state")),
        sa.CheckConstraint("captured_points >= 0 AND captured_points <= points", name=op.f("ck_holds_captured_points")),
        sa.CheckConstraint("points > 0", name=op.f("ck_holds_points")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["points_accounts.member_id"], name="fk_holds_member_id_points_accounts"
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_holds_store_id_stores"),
        sa.PrimaryKeyConstraint("member_id", "id", name="pk_holds"),
        sa.UniqueConstraint("member_id", "reference", name="uq_holds_member_id_reference"),
    )
    op.create_index("ix_holds_placed", "holds", ["expires_at"], postgresql_where=sa.text("state = 'placed'"))


def _create_seals() -> None:
    op.create_table(
        "ledger_seals",
        sa.Column("sealed_on", sa.Date, nullable=False),
        sa.Column("sealed_until_at", _INSTANT, nullable=False),
        sa.Column("entries_count", sa.BigInteger, nullable=False),
        sa.Column("accounts_count", sa.BigInteger, nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
        sa.Column("sealed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sealed_on", name="pk_ledger_seals"),
    )


def _refuse_changes() -> None:
    """Make tables append-only for everybody, their owner included."""
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'restrict_violation';
        END
        $$
        """
    )
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
