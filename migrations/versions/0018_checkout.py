"""Tables of checkout: the policy of points as money, and which points paid for which order."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_policies()
    _create_payments()


def downgrade() -> None:
    for table in ("points_payments", "checkout_policies"):
        op.drop_table(table)


def _create_policies() -> None:
    op.create_table(
        "checkout_policies",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("is_accepting_points", sa.Boolean, nullable=False),
        sa.Column("points_per_yuan", sa.BigInteger, nullable=False),
        sa.Column("share_max_percent", sa.BigInteger, nullable=False),
        sa.Column("points_max", sa.BigInteger, nullable=False),
        sa.Column("points_step", sa.BigInteger, nullable=False),
        sa.Column("hold_minutes", sa.BigInteger, nullable=False),
        sa.Column("shortfall", sa.String, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.CheckConstraint("hold_minutes > 0", name=op.f("ck_checkout_policies_hold_minutes")),
        sa.CheckConstraint("points_per_yuan > 0", name=op.f("ck_checkout_policies_points_per_yuan")),
        sa.CheckConstraint(
            "points_step > 0 AND points_max >= points_step", name=op.f("ck_checkout_policies_points_step")
        ),
        sa.CheckConstraint("share_max_percent BETWEEN 1 AND 100", name=op.f("ck_checkout_policies_share_max_percent")),
        sa.CheckConstraint(
            "shortfall IN ('clamp', 'negative', 'offset_next_earn')", name=op.f("ck_checkout_policies_shortfall")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_checkout_policies"),
    )


def _create_payments() -> None:
    op.create_table(
        "points_payments",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("order_amount_fen", sa.BigInteger, nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=True),
        sa.Column("entry_id", sa.BigInteger, nullable=True),
        sa.Column("returned_points", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("held_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.CheckConstraint("(order_id IS NULL) = (entry_id IS NULL)", name=op.f("ck_points_payments_entry_id")),
        sa.CheckConstraint("points > 0 AND amount_fen > 0", name=op.f("ck_points_payments_points")),
        sa.CheckConstraint(
            "returned_points >= 0 AND returned_points <= points", name=op.f("ck_points_payments_returned_points")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_points_payments_member_id_members"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_points_payments_order_id_orders"),
        sa.PrimaryKeyConstraint("id", name="pk_points_payments"),
        sa.UniqueConstraint("member_id", "reference", name="uq_points_payments_member_id_reference"),
    )
    op.create_index(
        "uq_points_payments_order_id",
        "points_payments",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
