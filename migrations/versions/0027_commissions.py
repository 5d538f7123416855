"""Commissions on purchases of referred members."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_REASONS = (
    "'first_order_only', 'months_over', 'nothing_in_scope', 'refunded', 'corrected', 'channel_off', 'blocklisted',"
    " 'earner_gone', 'not_invited', 'order_cap', 'day_cap', 'month_cap'"
)


def upgrade() -> None:
    op.create_index("ix_orders_recorded_at", "orders", ["recorded_at", "id"])
    _create_plans()
    op.create_table(
        "commission_watermarks",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_commission_watermarks_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_watermarks")),
    )
    op.execute("INSERT INTO commission_watermarks VALUES (1, '2000-01-01 00:00:00+00', 0)")
    _create_commissions()


def downgrade() -> None:
    for table in ("commissions", "commission_watermarks", "commission_plans"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change_of_published_commission_plan()")
    op.drop_index("ix_orders_recorded_at", "orders")


def _create_plans() -> None:
    op.create_table(
        "commission_plans",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("definition", JSONB, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("published_by", sa.String, nullable=True),
        sa.Column("published_at", _INSTANT, nullable=True),
        sa.Column("acknowledged_text", sa.String, nullable=True),
        sa.CheckConstraint(
            "published_at IS NULL OR NOT definition ? 'second' OR acknowledged_text IS NOT NULL",
            name=op.f("ck_commission_plans_acknowledged"),
        ),
        sa.CheckConstraint(
            "(published_at IS NULL) = (published_by IS NULL)", name=op.f("ck_commission_plans_published")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_plans")),
    )
    op.create_index(
        "uq_commission_plans_draft",
        "commission_plans",
        ["published_at"],
        unique=True,
        postgresql_where=sa.text("published_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_published_commission_plan() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.published_at IS NULL THEN
                RETURN COALESCE(NEW, OLD);
            END IF;
            RAISE EXCEPTION 'commission plan % is published: % is refused', OLD.id, TG_OP
                USING ERRCODE = 'restrict_violation';
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER commission_plans_stay BEFORE UPDATE OR DELETE ON commission_plans"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published_commission_plan()"
    )
    op.execute(
        "CREATE TRIGGER commission_plans_are_kept BEFORE TRUNCATE ON commission_plans"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _create_commissions() -> None:
    op.create_table(
        "commissions",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("level", sa.BigInteger, nullable=False),
        sa.Column("serial", sa.BigInteger, server_default=sa.text("1"), nullable=False),
        sa.Column("order_version", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("referee_id", sa.BigInteger, nullable=False),
        sa.Column("referral_id", sa.BigInteger, nullable=False),
        sa.Column("plan_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=True),
        sa.Column("base_fen", sa.BigInteger, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("reversed_fen", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("limited_by", sa.String, nullable=True),
        sa.Column("parts", JSONB, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("paid_at", _INSTANT, nullable=False),
        sa.Column("capped_on", sa.Date, nullable=False),
        sa.Column("approves_at", _INSTANT, nullable=False),
        sa.Column("accrued_at", _INSTANT, nullable=False),
        sa.Column("approved_at", _INSTANT, nullable=True),
        *_checks(),
        *_keys(),
    )
    op.create_index("ix_commissions_member_id", "commissions", ["member_id", "id"])
    op.create_index("ix_commissions_referee_id", "commissions", ["referee_id"])
    op.create_index("ix_commissions_referral_id", "commissions", ["referral_id"])
    op.create_index("ix_commissions_paid_at", "commissions", ["paid_at"])
    op.create_index(
        "ix_commissions_pending",
        "commissions",
        ["approves_at", "id"],
        postgresql_where=sa.text("state = 'pending'"),
    )


def _checks() -> list[sa.CheckConstraint]:
    checks = {
        "amount_fen": "amount_fen >= 0 AND amount_fen <= base_fen",
        "level": "level IN (1, 2)",
        "limited_by": f"limited_by IN ({_REASONS})",
        "missed": "(state = 'missed') = (amount_fen = 0)",
        "reason": f"reason IN ({_REASONS})",
        "reason_of_state": "(reason IS NULL) = (state IN ('pending', 'approved'))",
        "reversed_fen": "reversed_fen >= 0 AND reversed_fen <= amount_fen",
        "serial": "serial > 0",
        "state": "state IN ('pending', 'approved', 'reversed', 'missed', 'forfeited')",
        "two_members": "member_id <> referee_id",
        "undone": "CASE state WHEN 'reversed' THEN reversed_fen = amount_fen"
        " WHEN 'pending' THEN reversed_fen < amount_fen WHEN 'approved' THEN reversed_fen < amount_fen"
        " ELSE true END",
    }
    return [sa.CheckConstraint(check, name=op.f(f"ck_commissions_{name}")) for name, check in checks.items()]


def _keys() -> list[sa.Constraint]:
    foreign = {
        "member_id": "members",
        "order_id": "orders",
        "plan_id": "commission_plans",
        "referee_id": "members",
        "referral_id": "referrals",
    }
    return [
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_commissions_{name}_{table}"))
            for name, table in foreign.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commissions")),
        sa.UniqueConstraint("order_id", "level", name=op.f("uq_commissions_order_id_level")),
    ]
