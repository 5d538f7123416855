"""Tables of expiry: policies, warnings, evidence and graces; terms of inactivity; what the scheduler runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_OF_LOTS = ("lot_graces", "lot_evidence", "lot_warnings")


def upgrade() -> None:
    _add_idle_terms()
    _create_tables_of_lots()
    for table in ("lot_graces", "lot_evidence"):
        op.execute(
            f"CREATE TRIGGER {table}_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.create_table(
        "points_programmes",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("expiry_policy", JSONB, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_points_programmes"),
    )
    op.create_table(
        "scheduled_jobs",
        sa.Column("job", sa.String, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        sa.Column("daily_at", sa.Time),
        sa.Column("every_minutes", sa.BigInteger),
        sa.Column("scheduled_at", _INSTANT, nullable=False),
        sa.CheckConstraint("(daily_at IS NULL) <> (every_minutes IS NULL)", name=op.f("ck_scheduled_jobs_one_rhythm")),
        sa.PrimaryKeyConstraint("job", name="pk_scheduled_jobs"),
    )


def downgrade() -> None:
    for table in ("scheduled_jobs", "points_programmes", *_OF_LOTS):
        op.drop_table(table)
    op.drop_index("ix_lots_idle", "lots")
    op.drop_constraint(op.f("ck_lots_idle"), "lots")
    op.drop_column("lots", "idle_zone")
    op.drop_column("lots", "idle_days")


def _add_idle_terms() -> None:
    op.add_column("lots", sa.Column("idle_days", sa.BigInteger))
    op.add_column("lots", sa.Column("idle_zone", sa.String))
    op.create_check_constraint(
        op.f("ck_lots_idle"), "lots", "(idle_days IS NULL) = (idle_zone IS NULL) AND idle_days > 0"
    )
    op.create_index(
        "ix_lots_idle",
        "lots",
        ["member_id"],
        postgresql_where=sa.text("remaining > 0 AND idle_days IS NOT NULL"),
    )


def _create_tables_of_lots() -> None:
    _create_table_of_lots(
        "lot_warnings",
        ["expires_on", "stage_days"],
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("stage_days", sa.BigInteger, nullable=False),
        sa.Column("notice_id", sa.BigInteger, nullable=False),
        sa.Column("warned_at", _INSTANT, nullable=False),
    )
    _create_table_of_lots(
        "lot_evidence",
        ["expires_on"],
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("notice_id", sa.BigInteger, nullable=False),
        sa.Column("reached_at", _INSTANT, nullable=False),
        sa.Column("found_at", _INSTANT, nullable=False),
    )
    _create_table_of_lots(
        "lot_graces",
        ["number"],
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("from_at", _INSTANT, nullable=False),
        sa.Column("until_at", _INSTANT, nullable=False),
        sa.Column("granted_at", _INSTANT, nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 2", name=op.f("ck_lot_graces_number")),
        sa.CheckConstraint("until_at > from_at", name=op.f("ck_lot_graces_until_at")),
    )


def _create_table_of_lots(name: str, key: list[str], *columns: sa.Column[object] | sa.CheckConstraint) -> None:
    op.create_table(
        name,
        sa.Column("member_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("lot_id", sa.BigInteger, autoincrement=False, nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["member_id", "lot_id"], ["lots.member_id", "lots.id"], name=f"fk_{name}_lot"),
        sa.PrimaryKeyConstraint("member_id", "lot_id", *key, name=f"pk_{name}"),
    )
