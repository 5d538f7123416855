"""Tables of approvals, bulk work and adjustments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_BATCH_STATES = (
    "checking",
    "unreadable",
    "faulty",
    "checked",
    "submitted",
    "refused",
    "discarded",
    "applying",
    "applied",
    "undoing",
    "undone",
)
_REASONS = ("correction", "service_recovery", "campaign", "gift", "violation")


def upgrade() -> None:
    _create_approvals()
    _create_bulk_runs()
    _create_batches()
    _create_files()
    _create_rows()
    _create_problems()


def downgrade() -> None:
    for table in (
        "adjustment_problems",
        "adjustment_rows",
        "adjustment_files",
        "adjustment_batches",
        "bulk_runs",
        "approvals",
    ):
        op.drop_table(table)


def _create_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("state", sa.String, server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("requested_by", sa.String, nullable=False),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("decided_by", sa.String, nullable=True),
        sa.Column("decided_at", _INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('adjustment_batch', 'partner_key')", name=op.f("ck_approvals_kind")),
        sa.CheckConstraint("state IN ('waiting', 'approved', 'refused')", name=op.f("ck_approvals_state")),
        sa.CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL) AND (state = 'waiting') = (decided_by IS NULL)",
            name=op.f("ck_approvals_decided"),
        ),
        sa.CheckConstraint("decided_by <> requested_by", name=op.f("ck_approvals_decided_by")),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
    )
    op.create_index(
        "uq_approvals_waiting",
        "approvals",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_approvals_subject", "approvals", ["kind", "subject", "id"])


def _create_bulk_runs() -> None:
    op.create_table(
        "bulk_runs",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("state", sa.String, server_default=sa.text("'running'"), nullable=False),
        sa.Column("cursor", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("figures", JSONB, server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("error", sa.String, nullable=True),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('running', 'paused', 'finished')", name=op.f("ck_bulk_runs_state")),
        sa.CheckConstraint("(state = 'finished') = (finished_at IS NOT NULL)", name=op.f("ck_bulk_runs_finished_at")),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_runs"),
        sa.UniqueConstraint("kind", "subject", name="uq_bulk_runs_kind_subject"),
    )
    op.create_index("ix_bulk_runs_running", "bulk_runs", ["id"], postgresql_where=sa.text("state = 'running'"))


def _create_batches() -> None:
    op.create_table(
        "adjustment_batches",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=True),
        sa.Column("state", sa.String, server_default=sa.text("'checking'"), nullable=False),
        sa.Column("fault", sa.String, nullable=True),
        sa.Column("credit_rows", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("credit_points", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("debit_rows", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("debit_points", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("bad_rows", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("checked_at", _INSTANT, nullable=True),
        sa.CheckConstraint(f"reason IN ({_quoted(_REASONS)})", name=op.f("ck_adjustment_batches_reason")),
        sa.CheckConstraint(f"state IN ({_quoted(_BATCH_STATES)})", name=op.f("ck_adjustment_batches_state")),
        sa.PrimaryKeyConstraint("id", name="pk_adjustment_batches"),
    )


def _create_files() -> None:
    op.create_table(
        "adjustment_files",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("content_sealed", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["adjustment_batches.id"], name="fk_adjustment_files_batch_id_adjustment_batches"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_adjustment_files"),
    )
    op.create_index("ix_adjustment_files_batch_id", "adjustment_files", ["batch_id", "id"])


def _create_rows() -> None:
    op.create_table(
        "adjustment_rows",
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=True),
        sa.CheckConstraint("points <> 0", name=op.f("ck_adjustment_rows_points")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["adjustment_batches.id"], name="fk_adjustment_rows_batch_id_adjustment_batches"
        ),
        sa.PrimaryKeyConstraint("batch_id", "line", name="pk_adjustment_rows"),
        sa.UniqueConstraint("member_id", "batch_id", name="uq_adjustment_rows_member_id_batch_id"),
    )


def _create_problems() -> None:
    op.create_table(
        "adjustment_problems",
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("phase", sa.String, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("figure", sa.BigInteger, nullable=True),
        sa.CheckConstraint("phase IN ('check', 'apply', 'undo')", name=op.f("ck_adjustment_problems_phase")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["adjustment_batches.id"], name="fk_adjustment_problems_batch_id_adjustment_batches"
        ),
        sa.PrimaryKeyConstraint("batch_id", "phase", "line", name="pk_adjustment_problems"),
    )


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
