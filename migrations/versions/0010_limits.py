"""Tables of limits: counters."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limit_counters",
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("entity", sa.String, nullable=False),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("bucket", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("share", sa.BigInteger, nullable=False),
        sa.Column("ceiling", sa.BigInteger, nullable=True),
        sa.Column("last_on", sa.Date, nullable=True),
        sa.CheckConstraint("used >= 0 AND used <= share", name=op.f("ck_limit_counters_used")),
        sa.PrimaryKeyConstraint("subject", "entity", "period", "bucket", name="pk_limit_counters"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index("ix_limit_counters_last_on", "limit_counters", ["last_on"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_table("limit_counters")
