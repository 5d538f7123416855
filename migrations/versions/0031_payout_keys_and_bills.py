"""Keys of payouts by origin, days that have no bill, and payouts by when they were paid."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE payouts SET key = 'request:' || key WHERE batch_id IS NULL")
    op.execute(
        "UPDATE risk_decisions SET reference = regexp_replace(reference, '^(member:[0-9]+:)', '\\1request:')"
        " WHERE occasion = 'withdrawal' AND reference !~ '^member:[0-9]+:batch:[0-9]+$'"
    )
    op.add_column("payout_bill_days", sa.Column("has_bill", sa.Boolean, server_default=sa.text("true"), nullable=False))
    op.drop_index("ix_payouts_period", table_name="payouts")
    op.create_index(
        "ix_payouts_paid_at", "payouts", ["settled_at", "id"], postgresql_where=sa.text("state = 'success'")
    )


def downgrade() -> None:
    op.drop_index("ix_payouts_paid_at", table_name="payouts")
    op.create_index("ix_payouts_period", "payouts", ["period", "id"])
    op.drop_column("payout_bill_days", "has_bill")
    op.execute(
        "UPDATE risk_decisions SET reference = regexp_replace(reference, '^(member:[0-9]+:)request:', '\\1')"
        " WHERE occasion = 'withdrawal'"
    )
    op.execute("UPDATE payouts SET key = substr(key, length('request:') + 1) WHERE starts_with(key, 'request:')")
