"""Settings of campaigns, and campaigns among what a second person approves."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_KINDS = ("adjustment_batch", "partner_key", "coupon_issue", "payout", "payout_batch")


def upgrade() -> None:
    _approve(*_KINDS, "campaign")
    op.create_table(
        "campaign_settings",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("approval_above_fen", sa.BigInteger, nullable=False),
        sa.Column("points_per_yuan", sa.BigInteger, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.CheckConstraint("approval_above_fen >= 0", name=op.f("ck_campaign_settings_approval_above_fen")),
        sa.CheckConstraint("points_per_yuan > 0", name=op.f("ck_campaign_settings_points_per_yuan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_settings")),
    )


def downgrade() -> None:
    op.drop_table("campaign_settings")
    op.execute("DELETE FROM approvals WHERE kind = 'campaign'")
    _approve(*_KINDS)


def _approve(*kinds: str) -> None:
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_approvals_kind"), "approvals")
    op.create_check_constraint(op.f("ck_approvals_kind"), "approvals", f"kind IN ({named})")
