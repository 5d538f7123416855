"""Why a coupon of a campaign was not given: its stock, the member's limit, or that it is for others."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_CHECK, _TABLE = "ck_campaign_entries_missed", "campaign_entries"
_BEFORE = (
    "'member_gone', 'not_in_audience', 'points_total', 'coupons_total', 'fen_total', 'members_total', "
    "'member_times', 'coupon_refused', 'campaign_over'"
)
_NEW = "'coupon_stock', 'coupon_limit', 'coupon_not_for_member'"


def upgrade() -> None:
    op.drop_constraint(op.f(_CHECK), _TABLE)
    op.create_check_constraint(op.f(_CHECK), _TABLE, f"missed IN ({_BEFORE}, {_NEW})")


def downgrade() -> None:
    op.drop_constraint(op.f(_CHECK), _TABLE)
    op.execute(f"UPDATE campaign_entries SET missed = 'coupon_refused' WHERE missed IN ({_NEW})")  # noqa: S608
    op.create_check_constraint(op.f(_CHECK), _TABLE, f"missed IN ({_BEFORE})")
