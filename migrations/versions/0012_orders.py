"""Tables of orders: purchases and refunds with their lines, and the versions that corrections replaced."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_orders()
    _create_versions()
    _create_refunds()


def downgrade() -> None:
    for table in ("refunds", "order_versions", "orders"):
        op.drop_table(table)


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("order_number", sa.String, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=True),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("channel", sa.String, nullable=True),
        sa.Column("paid_at", _INSTANT, nullable=True),
        sa.Column("amount_fen", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("refunded_fen", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("is_refunded", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "(version = 0) = (member_id IS NULL) AND (version = 0) = (paid_at IS NULL)", name=op.f("ck_orders_awaited")
        ),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_orders_amount_fen")),
        sa.CheckConstraint("refunded_fen >= 0 AND refunded_fen <= amount_fen", name=op.f("ck_orders_refunded_fen")),
        sa.CheckConstraint("version >= 0", name=op.f("ck_orders_version")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_orders_member_id_members"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_orders_store_id_stores"),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("source", "order_number", name="uq_orders_source_order_number"),
    )
    op.create_index("ix_orders_member_id", "orders", ["member_id", "paid_at"])


def _create_versions() -> None:
    op.create_table(
        "order_versions",
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("paid_at", _INSTANT, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.Column("replaced_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_versions_order_id_orders"),
        sa.PrimaryKeyConstraint("order_id", "version", name="pk_order_versions"),
    )
    # The function came with the ledger.
    op.execute(
        "CREATE TRIGGER order_versions_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_versions"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _create_refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("refund_number", sa.String, nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=True),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("refunded_at", _INSTANT, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint("amount_fen >= 0", name=op.f("ck_refunds_amount_fen")),
        sa.CheckConstraint("state IN ('waiting', 'applied', 'refused')", name=op.f("ck_refunds_state")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_refunds_member_id_members"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_refunds_order_id_orders"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_refunds_store_id_stores"),
        sa.PrimaryKeyConstraint("id", name="pk_refunds"),
        sa.UniqueConstraint("source", "refund_number", name="uq_refunds_source_refund_number"),
    )
    op.create_index("ix_refunds_member_id", "refunds", ["member_id"])
    op.create_index("ix_refunds_order_id", "refunds", ["order_id"])
