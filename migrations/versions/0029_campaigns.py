"""Campaigns: what they say, whom they reach, the ways in, and what undoing found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_PATHS = "'claim', 'link', 'code', 'earning_rule', 'staff', 'partner', 'bulk', 'referral', 'mission'"


def upgrade() -> None:
    _replace_path_check(f"{_PATHS}, 'campaign'")
    _create_campaigns()
    op.create_foreign_key("fk_campaigns_revision", "campaigns", "campaign_revisions", ["revision_id"], ["id"])
    _keep_what_is_published()
    _create_entries()
    _create_entrances()


def downgrade() -> None:
    for table in ("campaign_visits", "campaign_entrances", "campaign_takings", "campaign_entries", "campaign_runs"):
        op.drop_table(table)
    op.drop_constraint("fk_campaigns_revision", "campaigns")
    op.drop_table("campaign_revisions")
    op.drop_table("campaigns")
    # A coupon of a campaign stays what the staff gave.
    op.execute("UPDATE coupons SET path = 'staff' WHERE path = 'campaign'")
    _replace_path_check(_PATHS)


def _replace_path_check(allowed: str) -> None:
    op.drop_constraint(op.f("ck_coupons_path"), "coupons")
    op.create_check_constraint(op.f("ck_coupons_path"), "coupons", f"path IN ({allowed})")


def _keep_what_is_published() -> None:
    op.execute(
        "CREATE TRIGGER campaign_revisions_stay BEFORE UPDATE OR DELETE ON campaign_revisions"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published_terms()"
    )
    op.execute(
        "CREATE TRIGGER campaign_revisions_are_kept BEFORE TRUNCATE ON campaign_revisions"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _create_campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("state", sa.String, server_default=sa.text("'draft'"), nullable=False),
        sa.Column("template", sa.String, nullable=True),
        sa.Column("revision_id", sa.BigInteger, nullable=True),
        sa.Column("started_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "(state IN ('ended', 'undone')) = (ended_at IS NOT NULL)", name=op.f("ck_campaigns_ended_at")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'waiting') OR revision_id IS NOT NULL", name=op.f("ck_campaigns_revision_id")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'waiting', 'scheduled', 'running', 'paused', 'ended', 'undone')",
            name=op.f("ck_campaigns_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_table(
        "campaign_revisions",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("terms", JSONB, nullable=False),
        sa.Column("forecast", JSONB, nullable=True),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("published_by", sa.String, nullable=True),
        sa.Column("published_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "(published_at IS NULL) = (published_by IS NULL)", name=op.f("ck_campaign_revisions_published")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_campaign_revisions_number")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_revisions_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_revisions")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_campaign_revisions_campaign_id_number")),
    )
    op.create_index(
        "uq_campaign_revisions_draft",
        "campaign_revisions",
        ["campaign_id"],
        unique=True,
        postgresql_where=sa.text("published_at IS NULL"),
    )


def _create_entries() -> None:
    op.create_table(
        "campaign_runs",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=False),
        sa.Column("occurrence", sa.String, nullable=False),
        sa.Column("planned_for_at", _INSTANT, nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_runs_campaign_id_campaigns")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["campaign_revisions.id"], name=op.f("fk_campaign_runs_revision_id_campaign_revisions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_runs")),
        sa.UniqueConstraint("campaign_id", "occurrence", name=op.f("uq_campaign_runs_campaign_id_occurrence")),
    )
    op.create_table(
        "campaign_entries",
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("occurrence", sa.String, nullable=False),
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=False),
        sa.Column("entrance_id", sa.BigInteger, nullable=True),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("owner_id", sa.BigInteger, nullable=True),
        sa.Column("missed", sa.String, nullable=True),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("points", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("coupons", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("cost_fen", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("entered_at", _INSTANT, nullable=False),
        sa.Column("done_at", _INSTANT, nullable=True),
        sa.CheckConstraint("(state = 'missed') = (missed IS NOT NULL)", name=op.f("ck_campaign_entries_missed_why")),
        sa.CheckConstraint("owner_id IS NULL OR state = 'done'", name=op.f("ck_campaign_entries_owner_id")),
        sa.CheckConstraint(
            "missed IN ('member_gone', 'not_in_audience', 'points_total', 'coupons_total', "
            "'fen_total', 'members_total', 'member_times', 'coupon_refused', 'campaign_over')",
            name=op.f("ck_campaign_entries_missed"),
        ),
        sa.CheckConstraint(
            "state IN ('held_out', 'waiting', 'done', 'missed')", name=op.f("ck_campaign_entries_state")
        ),
        sa.CheckConstraint("points >= 0 AND coupons >= 0 AND cost_fen >= 0", name=op.f("ck_campaign_entries_figures")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["campaign_runs.id"], name=op.f("fk_campaign_entries_run_id_campaign_runs")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "member_id", "occurrence", name=op.f("pk_campaign_entries")),
    )
    op.create_index("ix_campaign_entries_member_id", "campaign_entries", ["member_id"])
    op.create_index("ix_campaign_entries_run_id", "campaign_entries", ["run_id", "member_id"])
    op.create_index(
        "ix_campaign_entries_waiting",
        "campaign_entries",
        ["run_id", "due_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "campaign_takings",
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("occurrence", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("taken_at", _INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('points', 'coupons', 'tag')", name=op.f("ck_campaign_takings_kind")),
        sa.CheckConstraint("taken >= 0 AND used >= 0", name=op.f("ck_campaign_takings_figures")),
        sa.PrimaryKeyConstraint("campaign_id", "member_id", "occurrence", "kind", name=op.f("pk_campaign_takings")),
    )


def _create_entrances() -> None:
    op.create_table(
        "campaign_entrances",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("token", sa.String, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('link', 'qr', 'menu')", name=op.f("ck_campaign_entrances_kind")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_entrances_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_campaign_entrances_store_id_stores")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_entrances")),
        sa.UniqueConstraint(
            "campaign_id",
            "kind",
            "store_id",
            name=op.f("uq_campaign_entrances_campaign_id_kind_store_id"),
            postgresql_nulls_not_distinct=True,
        ),
        sa.UniqueConstraint("token", name=op.f("uq_campaign_entrances_token")),
    )
    op.create_table(
        "campaign_visits",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("entrance_id", sa.BigInteger, nullable=False),
        sa.Column("once", sa.LargeBinary, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=True),
        sa.Column("visited_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["entrance_id"], ["campaign_entrances.id"], name=op.f("fk_campaign_visits_entrance_id_campaign_entrances")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_visits")),
        sa.UniqueConstraint("once", name=op.f("uq_campaign_visits_once")),
    )
    op.create_index("ix_campaign_visits_entrance_id", "campaign_visits", ["entrance_id", "visited_at"])
    op.create_index("ix_campaign_visits_member_id", "campaign_visits", ["member_id"])
