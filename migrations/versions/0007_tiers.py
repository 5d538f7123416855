"""Tables of tiers: the ladder, members' growth and level, growth entries."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_tables()
    # The function came with the ledger.
    op.execute(
        "CREATE TRIGGER growth_entries_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON growth_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in ("growth_entries", "member_tiers", "tiers"):
        op.drop_table(table)


def _create_tables() -> None:
    op.create_table(
        "tiers",
        sa.Column("level", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("growth_threshold", sa.BigInteger, nullable=False),
        sa.CheckConstraint("growth_threshold >= 0", name=op.f("ck_tiers_growth_threshold")),
        sa.CheckConstraint("level > 0", name=op.f("ck_tiers_level")),
        sa.PrimaryKeyConstraint("level", name="pk_tiers"),
        sa.UniqueConstraint("growth_threshold", name="uq_tiers_growth_threshold"),
    )
    op.create_table(
        "member_tiers",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("growth", sa.BigInteger, nullable=False),
        sa.Column("level", sa.BigInteger, nullable=False),
        sa.Column("since_at", _INSTANT, nullable=False),
        sa.CheckConstraint("growth >= 0", name=op.f("ck_member_tiers_growth")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_member_tiers_member_id_members"),
        sa.PrimaryKeyConstraint("member_id", name="pk_member_tiers"),
    )
    op.create_table(
        "growth_entries",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("growth", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_growth_entries_member_id_members"),
        sa.PrimaryKeyConstraint("member_id", "id", name="pk_growth_entries"),
        sa.UniqueConstraint("member_id", "reference", name="uq_growth_entries_member_id_reference"),
    )
