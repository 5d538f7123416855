"""Tables of holds and debt: what each hold binds of which lot, and how much of a posting went into debt."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_debt()
    _add_held_points()
    _create_hold_lots()


def downgrade() -> None:
    op.drop_table("hold_lots")
    op.drop_index("ix_holds_placed_of_member", "holds")
    op.drop_column("holds", "actor")
    op.drop_column("lots", "held")
    op.drop_column("points_accounts", "last_debt_change")
    _replace_points_check("points <> 0 OR kind = 'reverse'")


def _add_debt() -> None:
    op.add_column(
        "points_accounts",
        sa.Column("last_debt_change", sa.BigInteger, server_default=sa.text("0"), nullable=False),
    )
    _replace_points_check("points <> 0 OR kind IN ('reverse', 'transfer')")


def _replace_points_check(condition: str) -> None:
    op.drop_constraint(op.f("ck_ledger_entries_points"), "ledger_entries", type_="check")
    op.create_check_constraint(op.f("ck_ledger_entries_points"), "ledger_entries", condition)


def _add_held_points() -> None:
    op.add_column("lots", sa.Column("held", sa.BigInteger, server_default=sa.text("0"), nullable=False))
    op.create_check_constraint(op.f("ck_lots_held"), "lots", "held >= 0 AND held <= remaining")
    op.add_column("holds", sa.Column("actor", sa.String, server_default=sa.text("'system'"), nullable=False))
    op.create_index("ix_holds_placed_of_member", "holds", ["member_id"], postgresql_where=sa.text("state = 'placed'"))


def _create_hold_lots() -> None:
    op.create_table(
        "hold_lots",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("hold_id", sa.BigInteger, nullable=False),
        sa.Column("lot_id", sa.BigInteger, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_hold_lots_points")),
        sa.ForeignKeyConstraint(["member_id", "hold_id"], ["holds.member_id", "holds.id"], name="fk_hold_lots_hold"),
        sa.ForeignKeyConstraint(["member_id", "lot_id"], ["lots.member_id", "lots.id"], name="fk_hold_lots_lot"),
        sa.PrimaryKeyConstraint("member_id", "hold_id", "lot_id", name="pk_hold_lots"),
    )
