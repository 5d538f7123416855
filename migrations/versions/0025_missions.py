"""Missions: what members are asked to do, how far they are, what it paid; make-up cards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


_PATHS = "'claim', 'link', 'code', 'earning_rule', 'staff', 'partner', 'bulk', 'referral'"


def upgrade() -> None:
    _replace_path_check(f"{_PATHS}, 'mission'")
    _create_make_ups()
    _create_missions()
    _create_counts()
    _create_progress()
    _create_rewards()


def downgrade() -> None:
    for table in ("mission_rewards", "mission_progress", "mission_counts"):
        op.drop_table(table)
    op.drop_constraint("fk_missions_revision", "missions")
    op.drop_table("mission_revisions")
    op.drop_table("missions")
    # A day that was made up stays a day checked in, without the card.
    op.drop_column("check_ins", "make_up_card_id")
    op.drop_table("make_up_cards")
    op.drop_table("make_up_policies")
    # A coupon that was a prize of a mission stays what the staff gave for it.
    op.execute("UPDATE coupons SET path = 'staff' WHERE path = 'mission'")
    _replace_path_check(_PATHS)


def _replace_path_check(allowed: str) -> None:
    op.drop_constraint(op.f("ck_coupons_path"), "coupons")
    op.create_check_constraint(op.f("ck_coupons_path"), "coupons", f"path IN ({allowed})")


def _create_make_ups() -> None:
    op.create_table(
        "make_up_policies",
        sa.Column("revision", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("days_back", sa.BigInteger, nullable=False),
        sa.Column("month_limit", sa.BigInteger, nullable=False),
        sa.Column("card_price", sa.BigInteger, nullable=True),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("days_back >= 0", name=op.f("ck_make_up_policies_days_back")),
        sa.CheckConstraint("month_limit > 0", name=op.f("ck_make_up_policies_month_limit")),
        sa.CheckConstraint("card_price > 0", name=op.f("ck_make_up_policies_card_price")),
        sa.PrimaryKeyConstraint("revision", name="pk_make_up_policies"),
    )
    op.create_table(
        "make_up_cards",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("points_paid", sa.BigInteger, nullable=False),
        sa.Column("granted_at", _INSTANT, nullable=False),
        sa.Column("used_on", sa.Date, nullable=True),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.Column("withdrawn_at", _INSTANT, nullable=True),
        sa.CheckConstraint("(used_on IS NULL) = (used_at IS NULL)", name=op.f("ck_make_up_cards_used_on")),
        sa.CheckConstraint("used_at IS NULL OR withdrawn_at IS NULL", name=op.f("ck_make_up_cards_withdrawn_at")),
        sa.CheckConstraint("points_paid >= 0", name=op.f("ck_make_up_cards_points_paid")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_make_up_cards_member_id_members"),
        sa.PrimaryKeyConstraint("id", name="pk_make_up_cards"),
        sa.UniqueConstraint("member_id", "reference", name="uq_make_up_cards_member_id_reference"),
    )
    op.create_index(
        "ix_make_up_cards_unused",
        "make_up_cards",
        ["member_id", "id"],
        postgresql_where=sa.text("used_at IS NULL AND withdrawn_at IS NULL"),
    )
    op.add_column("check_ins", sa.Column("make_up_card_id", sa.BigInteger, nullable=True))
    op.create_foreign_key(
        "fk_check_ins_make_up_card_id_make_up_cards", "check_ins", "make_up_cards", ["make_up_card_id"], ["id"]
    )


def _create_missions() -> None:
    op.create_table(
        "missions",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("state", sa.String, server_default=sa.text("'draft'"), nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=True),
        sa.Column("opened_at", _INSTANT, nullable=True),
        sa.Column("stopped_at", _INSTANT, nullable=True),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "event IN ('phone_bound', 'profile_completed', 'check_in', 'purchase', 'review', 'invited_friend', "
            "'custom')",
            name=op.f("ck_missions_event"),
        ),
        sa.CheckConstraint("state IN ('draft', 'live', 'paused', 'stopped')", name=op.f("ck_missions_state")),
        sa.CheckConstraint(
            "(state = 'draft') = (revision_id IS NULL) AND (state = 'draft') = (opened_at IS NULL)",
            name=op.f("ck_missions_opened_at"),
        ),
        sa.CheckConstraint("(state = 'stopped') = (stopped_at IS NOT NULL)", name=op.f("ck_missions_stopped_at")),
        sa.PrimaryKeyConstraint("id", name="pk_missions"),
    )
    op.create_table(
        "mission_revisions",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("mission_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("terms", JSONB, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("published_by", sa.String, nullable=True),
        sa.Column("published_at", _INSTANT, nullable=True),
        sa.CheckConstraint("number > 0", name=op.f("ck_mission_revisions_number")),
        sa.CheckConstraint(
            "(published_at IS NULL) = (published_by IS NULL)", name=op.f("ck_mission_revisions_published")
        ),
        sa.ForeignKeyConstraint(["mission_id"], ["missions.id"], name="fk_mission_revisions_mission_id_missions"),
        sa.PrimaryKeyConstraint("id", name="pk_mission_revisions"),
        sa.UniqueConstraint("mission_id", "number", name="uq_mission_revisions_mission_id_number"),
    )
    op.create_index(
        "uq_mission_revisions_draft",
        "mission_revisions",
        ["mission_id"],
        unique=True,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_foreign_key("fk_missions_revision", "missions", "mission_revisions", ["revision_id"], ["id"])


def _create_counts() -> None:
    op.create_table(
        "mission_counts",
        *_whose("mission_counts"),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("counted_on", sa.Date, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("missed", sa.String, nullable=True),
        sa.Column("tier_level", sa.BigInteger, nullable=False),
        _revision("mission_counts"),
        sa.Column("occurred_at", _INSTANT, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_mission_counts_amount")),
        sa.CheckConstraint(
            "missed IN ('tier', 'minimum', 'refunded', 'reversed', 'made_up')",
            name=op.f("ck_mission_counts_missed"),
        ),
        sa.CheckConstraint("missed IS NULL OR amount = 0", name=op.f("ck_mission_counts_missed_counts_nothing")),
        sa.PrimaryKeyConstraint("member_id", "mission_id", "reference", name="pk_mission_counts"),
    )
    op.create_index("ix_mission_counts_period", "mission_counts", ["member_id", "mission_id", "period"])
    op.create_index("ix_mission_counts_recorded_at", "mission_counts", ["recorded_at"], postgresql_using="brin")


def _create_progress() -> None:
    op.create_table(
        "mission_progress",
        *_whose("mission_progress"),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("progress", sa.BigInteger, nullable=False),
        sa.Column("refusals", JSONB, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.CheckConstraint("progress >= 0", name=op.f("ck_mission_progress_progress")),
        sa.PrimaryKeyConstraint("member_id", "mission_id", "period", name="pk_mission_progress"),
    )
    op.create_index("ix_mission_progress_mission_id", "mission_progress", ["mission_id"])


def _create_rewards() -> None:
    op.create_table(
        "mission_rewards",
        *_whose("mission_rewards"),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("target", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("attempt", sa.BigInteger, autoincrement=False, nullable=False),
        _revision("mission_rewards"),
        sa.Column("reward", JSONB, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("coupon_id", sa.BigInteger, nullable=True),
        sa.Column("idempotency_key", sa.String, nullable=True),
        sa.Column("paid_at", _INSTANT, nullable=False),
        sa.Column("reversed_at", _INSTANT, nullable=True),
        sa.CheckConstraint("attempt > 0", name=op.f("ck_mission_rewards_attempt")),
        sa.PrimaryKeyConstraint("member_id", "mission_id", "period", "target", "attempt", name="pk_mission_rewards"),
    )
    op.create_index(
        "uq_mission_rewards_standing",
        "mission_rewards",
        ["member_id", "mission_id", "period", "target"],
        unique=True,
        postgresql_where=sa.text("reversed_at IS NULL"),
    )
    op.create_index("ix_mission_rewards_mission_id", "mission_rewards", ["mission_id", "paid_at"])


def _whose(table: str) -> list[sa.Column[int]]:
    return [
        sa.Column(
            "member_id",
            sa.BigInteger,
            sa.ForeignKey("members.id", name=f"fk_{table}_member_id_members"),
            nullable=False,
        ),
        sa.Column(
            "mission_id",
            sa.BigInteger,
            sa.ForeignKey("missions.id", name=f"fk_{table}_mission_id_missions"),
            nullable=False,
        ),
    ]


def _revision(table: str) -> sa.Column[int]:
    name = f"fk_{table}_revision_id_mission_revisions"
    return sa.Column("revision_id", sa.BigInteger, sa.ForeignKey("mission_revisions.id", name=name), nullable=False)
