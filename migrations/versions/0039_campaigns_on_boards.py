"""What campaigns reach, among the daily figures of boards; the days are counted again."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_INDEX = "ix_campaign_entries_done_at"


def upgrade() -> None:
    op.create_index(
        _INDEX, "campaign_entries", ["done_at"], postgresql_using="brin", postgresql_with={"autosummarize": "on"}
    )
    _forget_days()
    op.add_column("facts_by_day", sa.Column("campaign_reached", sa.BigInteger, nullable=False))


def downgrade() -> None:
    op.drop_column("facts_by_day", "campaign_reached")
    _forget_days()
    op.drop_index(_INDEX, "campaign_entries")


def _forget_days() -> None:
    """Throw away what is derived from other tables: boards count it from the rows until the job has built it again."""
    op.execute("DELETE FROM facts_by_day")
    op.execute("UPDATE rollup_state SET counted_on = NULL")
