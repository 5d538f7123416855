"""Daily seals of the ledger of money."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "earnings_seals",
        sa.Column("sealed_on", sa.Date, nullable=False),
        sa.Column("sealed_until_at", _INSTANT, nullable=False),
        sa.Column("entries_count", sa.BigInteger, nullable=False),
        sa.Column("accounts_count", sa.BigInteger, nullable=False),
        sa.Column("mac", sa.LargeBinary, nullable=False),
        sa.Column("sealed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sealed_on", name=op.f("pk_earnings_seals")),
    )
    op.execute(
        "CREATE TRIGGER earnings_seals_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON earnings_seals"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("earnings_seals")
