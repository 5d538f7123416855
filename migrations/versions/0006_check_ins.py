"""Tables of check-ins: revisions of the plan, and the check-ins."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_plans()
    _create_check_ins()


def downgrade() -> None:
    for table in ("check_ins", "check_in_plans"):
        op.drop_table(table)


def _create_plans() -> None:
    op.create_table(
        "check_in_plans",
        sa.Column("revision", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("points_by_day", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("bonus_by_day", JSONB, nullable=False),
        sa.Column("growth", sa.BigInteger, nullable=False),
        sa.Column("valid_days", sa.BigInteger, nullable=True),
        sa.Column("live_from_on", sa.Date, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("cardinality(points_by_day) > 0", name=op.f("ck_check_in_plans_points_by_day")),
        sa.CheckConstraint("growth >= 0", name=op.f("ck_check_in_plans_growth")),
        sa.CheckConstraint("valid_days >= 0", name=op.f("ck_check_in_plans_valid_days")),
        sa.PrimaryKeyConstraint("revision", name="pk_check_in_plans"),
    )
    op.create_index("ix_check_in_plans_live_from_on", "check_in_plans", ["live_from_on", "revision"])


def _create_check_ins() -> None:
    op.create_table(
        "check_ins",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("checked_in_on", sa.Date, nullable=False),
        sa.Column("streak", sa.BigInteger, nullable=False),
        sa.Column("base", sa.BigInteger, nullable=False),
        sa.Column("bonus", sa.BigInteger, nullable=False),
        sa.Column("growth", sa.BigInteger, nullable=False),
        sa.Column("plan_revision", sa.BigInteger, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("idempotency_key", sa.String, nullable=True),
        sa.Column("checked_in_at", _INSTANT, nullable=False),
        sa.CheckConstraint("base >= 0 AND bonus >= 0 AND growth >= 0", name=op.f("ck_check_ins_award")),
        sa.CheckConstraint("streak > 0", name=op.f("ck_check_ins_streak")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_check_ins_member_id_members"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_check_ins_store_id_stores"),
        sa.PrimaryKeyConstraint("member_id", "checked_in_on", name="pk_check_ins"),
    )
    op.create_index("ix_check_ins_checked_in_on", "check_ins", ["checked_in_on"], postgresql_using="brin")
    op.create_index(
        "uq_check_ins_member_id_idempotency_key",
        "check_ins",
        ["member_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
