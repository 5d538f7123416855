"""Tables of the life of a tier: periods, benefits, history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("tiers", sa.Column("benefits", JSONB, server_default=sa.text("'{}'"), nullable=False))
    _create_policies()
    _add_ends_of_levels()
    _add_periods_of_growth()
    _create_changes()
    # What was reached before there was a history begins it.
    op.execute(
        "INSERT INTO tier_changes (member_id, cause, from_level, to_level, growth, actor, changed_at)"
        " SELECT member_id, 'promoted', 1, level, growth, 'system:migration', since_at"
        " FROM member_tiers WHERE level > 1"
    )


def downgrade() -> None:
    op.drop_table("tier_changes")
    op.drop_index("ix_growth_entries_member_id_part_of", "growth_entries")
    op.drop_index("ix_growth_entries_member_id_counted_at", "growth_entries")
    op.drop_column("growth_entries", "part_of")
    op.drop_column("growth_entries", "counted_at")
    op.drop_constraint(op.f("ck_member_tiers_manual_level"), "member_tiers")
    for column in ("manual_until_at", "manual_level", "grace_until_at"):
        op.drop_column("member_tiers", column)
    op.drop_table("tier_policies")
    op.drop_column("tiers", "benefits")


def _create_policies() -> None:
    op.create_table(
        "tier_policies",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("months", sa.BigInteger, nullable=False),
        sa.Column("grace_days", sa.BigInteger, nullable=False),
        sa.Column("time_zone", sa.String, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_tier_policies_only")),
        sa.CheckConstraint(
            "period IN ('for_ever', 'rolling_months', 'calendar_year')", name=op.f("ck_tier_policies_period")
        ),
        sa.CheckConstraint("months > 0", name=op.f("ck_tier_policies_months")),
        sa.CheckConstraint("grace_days >= 0", name=op.f("ck_tier_policies_grace_days")),
        sa.PrimaryKeyConstraint("id", name="pk_tier_policies"),
    )


def _add_ends_of_levels() -> None:
    op.add_column("member_tiers", sa.Column("grace_until_at", _INSTANT, nullable=True))
    op.add_column("member_tiers", sa.Column("manual_level", sa.BigInteger, nullable=True))
    op.add_column("member_tiers", sa.Column("manual_until_at", _INSTANT, nullable=True))
    op.create_check_constraint(
        op.f("ck_member_tiers_manual_level"),
        "member_tiers",
        "(manual_level IS NULL) = (manual_until_at IS NULL)",
    )


def _add_periods_of_growth() -> None:
    op.add_column("growth_entries", sa.Column("part_of", sa.String, nullable=True))
    op.add_column("growth_entries", sa.Column("counted_at", _INSTANT, nullable=True))
    # The one change that append-only rows ever see: what was recorded before there were periods counts from then.
    op.execute("ALTER TABLE growth_entries DISABLE TRIGGER growth_entries_are_append_only")
    op.execute("UPDATE growth_entries SET counted_at = recorded_at")
    op.execute("ALTER TABLE growth_entries ENABLE TRIGGER growth_entries_are_append_only")
    op.alter_column("growth_entries", "counted_at", nullable=False)
    op.create_index(
        "ix_growth_entries_member_id_counted_at",
        "growth_entries",
        ["member_id", "counted_at"],
        postgresql_include=["growth"],
    )
    op.create_index(
        "ix_growth_entries_member_id_part_of",
        "growth_entries",
        ["member_id", "part_of"],
        postgresql_where=sa.text("part_of IS NOT NULL"),
    )


def _create_changes() -> None:
    op.create_table(
        "tier_changes",
        sa.Column("id", sa.BigInteger, autoincrement=True, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("from_level", sa.BigInteger, nullable=False),
        sa.Column("to_level", sa.BigInteger, nullable=False),
        sa.Column("growth", sa.BigInteger, nullable=False),
        sa.Column("until_at", _INSTANT, nullable=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary, nullable=True),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "cause IN ('promoted', 'demoted', 'refunded', 'merged', 'manual', 'manual_ended')",
            name=op.f("ck_tier_changes_cause"),
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_tier_changes_member_id_members"),
        sa.PrimaryKeyConstraint("id", name="pk_tier_changes"),
    )
    op.create_index("ix_tier_changes_member_id", "tier_changes", ["member_id", "id"])
