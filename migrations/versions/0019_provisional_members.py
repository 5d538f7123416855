"""Tables of provisional members: one more status of a member, and until when it waits."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_LIVING = "'active', 'closing', 'closed', 'merged'"


def upgrade() -> None:
    op.add_column("members", sa.Column("provisional_until_at", sa.DateTime(timezone=True), nullable=True))
    _replace_status_check(f"'provisional', {_LIVING}")
    op.create_check_constraint(
        op.f("ck_members_provisional_until_at"),
        "members",
        "(status = 'provisional') = (provisional_until_at IS NOT NULL)",
    )
    op.create_index(
        "ix_members_provisional_until_at",
        "members",
        ["provisional_until_at"],
        postgresql_where=sa.text("provisional_until_at IS NOT NULL"),
    )


def downgrade() -> None:
    # Provisional members lose their state and stay members; they have no identity to come by.
    op.drop_constraint(op.f("ck_members_provisional_until_at"), "members")
    op.execute("UPDATE members SET status = 'active' WHERE status = 'provisional'")
    _replace_status_check(_LIVING)
    op.drop_index("ix_members_provisional_until_at", "members")
    op.drop_column("members", "provisional_until_at")


def _replace_status_check(allowed: str) -> None:
    op.drop_constraint(op.f("ck_members_status"), "members")
    op.create_check_constraint(op.f("ck_members_status"), "members", f"status IN ({allowed})")
