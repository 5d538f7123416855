"""Roll-ups of daily figures, and summaries by which their rows are found."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_POINTS = (
    "entries",
    "points_issued",
    "points_spent",
    "points_expired",
    "points_deducted",
    "points_reversed",
    "points_moved",
)
_FACTS = (
    "new_members",
    "active_members",
    "check_ins",
    "coupons_issued",
    "coupons_used",
    "coupon_revenue_fen",
    "coupon_discount_fen",
    "purchases",
    "purchases_fen",
)
_STANDING = ("members", "sleeping_members", "points_balance", "points_held", "points_debt")
_SUMMARIES = {"ledger_entries": "id", "orders": "paid_at"}


def upgrade() -> None:
    for table, column in _SUMMARIES.items():
        op.create_index(f"ix_{table}_{column}", table, [column], postgresql_using="brin", postgresql_with=_summarised())
    _create_days("points_by_day", _POINTS)
    _create_days("facts_by_day", _FACTS)
    op.create_table(
        "store_standings",
        sa.Column("store_id", sa.BigInteger, autoincrement=False, nullable=False),
        *_figures(_STANDING),
        sa.Column("counted_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_store_standings")),
    )
    _create_state()
    op.create_table(
        "days_to_recount",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("business_on", sa.Date, nullable=False),
        sa.Column("noted_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_days_to_recount")),
    )


def downgrade() -> None:
    for table in ("days_to_recount", "rollup_state", "store_standings", "facts_by_day", "points_by_day"):
        op.drop_table(table)
    for table, column in _SUMMARIES.items():
        op.drop_index(f"ix_{table}_{column}", table)


def _summarised() -> dict[str, str]:
    return {"autosummarize": "on"}


def _figures(names: tuple[str, ...]) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _create_days(table: str, figures: tuple[str, ...]) -> None:
    op.create_table(
        table,
        sa.Column("business_on", sa.Date, nullable=False),
        sa.Column("store_id", sa.BigInteger, autoincrement=False, nullable=False),
        *_figures(figures),
        sa.PrimaryKeyConstraint("business_on", "store_id", name=op.f(f"pk_{table}")),
    )


def _create_state() -> None:
    op.create_table(
        "rollup_state",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("rolled_until_id", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("settled_until_id", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("drawn_until_id", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("waits_for", sa.ARRAY(sa.String), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("counted_on", sa.Date, nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_rollup_state_id")),
        sa.CheckConstraint(
            "rolled_until_id <= settled_until_id AND settled_until_id <= drawn_until_id",
            name=op.f("ck_rollup_state_in_order"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollup_state")),
    )
    op.execute("INSERT INTO rollup_state (id) VALUES (1)")
