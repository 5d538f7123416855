"""Electronic receipts of payouts."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "payout_receipts",
        sa.Column("payout_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("stage", sa.String, nullable=False),
        sa.Column("problem", sa.String, nullable=True),
        sa.Column("told", sa.String, nullable=True),
        sa.Column("sha256", sa.String, nullable=True),
        sa.Column("step_number", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("polls", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("requested_by", sa.String, nullable=False),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "stage IN ('wanted', 'asked', 'generating', 'finished', 'failed')", name=op.f("ck_payout_receipts_stage")
        ),
        sa.CheckConstraint(
            "problem IN ('refused', 'not_made', 'too_long', 'lapsed')", name=op.f("ck_payout_receipts_problem")
        ),
        sa.CheckConstraint("(stage = 'finished') = (sha256 IS NOT NULL)", name=op.f("ck_payout_receipts_finished")),
        sa.CheckConstraint("(stage = 'failed') = (problem IS NOT NULL)", name=op.f("ck_payout_receipts_failed")),
        sa.CheckConstraint(
            "(stage IN ('failed', 'finished')) = (due_at IS NULL)", name=op.f("ck_payout_receipts_due_at")
        ),
        sa.CheckConstraint("(due_at IS NULL) = (ended_at IS NOT NULL)", name=op.f("ck_payout_receipts_ended_at")),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_receipts_payout_id_payouts")),
        sa.PrimaryKeyConstraint("payout_id", name=op.f("pk_payout_receipts")),
    )
    op.create_index(
        "ix_payout_receipts_due_at",
        "payout_receipts",
        ["due_at", "payout_id"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("payout_receipts")
