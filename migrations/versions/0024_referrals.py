"""Referrals: programme, switches, share tokens, openings, who invited whom, and what it paid."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_CHANNELS = ("oa", "mini_program", "poster", "code")
_PATHS = "'claim', 'link', 'code', 'earning_rule', 'staff', 'partner', 'bulk'"
_IS_CHANNEL = "channel IN ('oa', 'mini_program', 'poster', 'code')"


def upgrade() -> None:
    _create_programmes()
    _create_switches()
    _create_tokens()
    _create_openings()
    _create_touches()
    _create_referrals()
    _create_rewards()
    _replace_path_check(f"{_PATHS}, 'referral'")


def downgrade() -> None:
    # A coupon for inviting a friend stays what a rule gave for it.
    op.execute("UPDATE coupons SET path = 'earning_rule' WHERE path = 'referral'")
    _replace_path_check(_PATHS)
    for table in (
        "referral_rewards",
        "referrals",
        "share_touches",
        "share_openings",
        "share_tokens",
        "share_switches",
        "referral_programmes",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change_of_published_programme()")


def _replace_path_check(allowed: str) -> None:
    op.drop_constraint(op.f("ck_coupons_path"), "coupons")
    op.create_check_constraint(op.f("ck_coupons_path"), "coupons", f"path IN ({allowed})")


def _create_programmes() -> None:
    op.create_table(
        "referral_programmes",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("definition", JSONB, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("published_by", sa.String, nullable=True),
        sa.Column("published_at", _INSTANT, nullable=True),
        sa.Column("acknowledged_text", sa.String, nullable=True),
        sa.CheckConstraint(
            "published_at IS NULL OR NOT definition ? 'opening' OR acknowledged_text IS NOT NULL",
            name=op.f("ck_referral_programmes_acknowledged"),
        ),
        sa.CheckConstraint(
            "(published_at IS NULL) = (published_by IS NULL)", name=op.f("ck_referral_programmes_published")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_referral_programmes"),
    )
    op.create_index(
        "uq_referral_programmes_draft",
        "referral_programmes",
        ["published_at"],
        unique=True,
        postgresql_where=sa.text("published_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_published_programme() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.published_at IS NULL THEN
                RETURN COALESCE(NEW, OLD);
            END IF;
            RAISE EXCEPTION 'programme % is published: % is refused', OLD.id, TG_OP
                USING ERRCODE = 'restrict_violation';
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER referral_programmes_stay BEFORE UPDATE OR DELETE ON referral_programmes"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published_programme()"
    )
    op.execute(
        "CREATE TRIGGER referral_programmes_are_kept BEFORE TRUNCATE ON referral_programmes"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _create_switches() -> None:
    switches = op.create_table(
        "share_switches",
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("changed_by", sa.String, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.CheckConstraint(_IS_CHANNEL, name=op.f("ck_share_switches_channel")),
        sa.PrimaryKeyConstraint("channel", name="pk_share_switches"),
    )
    op.execute(
        sa.insert(switches).from_select(
            ["channel", "is_on", "changed_by", "changed_at"],
            sa.select(
                sa.func.unnest(sa.literal(list(_CHANNELS), sa.ARRAY(sa.String))),
                sa.true(),
                sa.literal("system"),
                sa.func.now(),
            ),
        )
    )


def _create_tokens() -> None:
    op.create_table(
        "share_tokens",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("mission_id", sa.BigInteger, nullable=True),
        sa.Column("campaign", sa.String, nullable=True),
        sa.Column("serial", sa.BigInteger, nullable=False),
        sa.Column("token", sa.String, nullable=False),
        sa.Column("minted_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.CheckConstraint(_IS_CHANNEL, name=op.f("ck_share_tokens_channel")),
        sa.CheckConstraint("(purpose = 'mission') = (mission_id IS NOT NULL)", name=op.f("ck_share_tokens_mission_id")),
        sa.CheckConstraint("purpose IN ('referral', 'mission')", name=op.f("ck_share_tokens_purpose")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_share_tokens_member_id_members"),
        sa.PrimaryKeyConstraint("id", name="pk_share_tokens"),
        sa.UniqueConstraint("token", name="uq_share_tokens_token"),
    )
    op.create_index(
        "uq_share_tokens_member_id",
        "share_tokens",
        ["member_id", "purpose", "mission_id", "campaign", "channel", "serial"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def _create_openings() -> None:
    op.create_table(
        "share_openings",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("share_token_id", sa.BigInteger, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=True),
        sa.Column("person_index", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.String, nullable=True),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "reason IN ('snapshot', 'expired', 'channel_off', 'sharer_gone', 'self', 'circular', 'already_a_member',"
            " 'blocklisted', 'already_opened', 'earlier_touch')",
            name=op.f("ck_share_openings_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["share_token_id"], ["share_tokens.id"], name="fk_share_openings_share_token_id_share_tokens"
        ),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name="fk_share_openings_identity_id_identities"),
        sa.PrimaryKeyConstraint("id", name="pk_share_openings"),
        sa.UniqueConstraint("share_token_id", "person_index", name="uq_share_openings_share_token_id_person_index"),
    )
    op.create_index("ix_share_openings_identity_id", "share_openings", ["identity_id"])
    op.create_index("ix_share_openings_opened_at", "share_openings", ["opened_at"], postgresql_using="brin")


def _create_touches() -> None:
    op.create_table(
        "share_touches",
        sa.Column("person_index", sa.LargeBinary, nullable=False),
        sa.Column("share_token_id", sa.BigInteger, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=True),
        sa.Column("touched_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["share_token_id"], ["share_tokens.id"], name="fk_share_touches_share_token_id_share_tokens"
        ),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name="fk_share_touches_identity_id_identities"),
        sa.PrimaryKeyConstraint("person_index", name="pk_share_touches"),
    )
    op.create_index("ix_share_touches_identity_id", "share_touches", ["identity_id"])


def _create_referrals() -> None:
    op.create_table(
        "referrals",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("referrer_id", sa.BigInteger, nullable=False),
        sa.Column("second_referrer_id", sa.BigInteger, nullable=True),
        sa.Column("share_token_id", sa.BigInteger, nullable=False),
        sa.Column("programme_id", sa.BigInteger, nullable=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=True),
        sa.Column("is_standing", sa.Boolean, nullable=False),
        sa.Column("decision_id", sa.BigInteger, nullable=True),
        sa.Column("order_id", sa.BigInteger, nullable=True),
        sa.Column("touched_at", _INSTANT, nullable=False),
        sa.Column("came_at", _INSTANT, nullable=False),
        sa.Column("attributed_at", _INSTANT, nullable=False),
        sa.Column("lapses_at", _INSTANT, nullable=True),
        sa.Column("settles_at", _INSTANT, nullable=True),
        sa.Column("qualified_at", _INSTANT, nullable=True),
        sa.Column("rewarded_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.CheckConstraint(_IS_CHANNEL, name=op.f("ck_referrals_channel")),
        sa.CheckConstraint("state <> 'refused' OR NOT is_standing", name=op.f("ck_referrals_is_standing")),
        sa.CheckConstraint(
            "(reason IS NULL) = (state NOT IN ('refused', 'reversed'))", name=op.f("ck_referrals_reason")
        ),
        sa.CheckConstraint(
            "state IN ('attributed', 'held', 'qualified', 'rewarded', 'lapsed', 'refused', 'reversed')",
            name=op.f("ck_referrals_state"),
        ),
        sa.CheckConstraint("member_id <> referrer_id", name=op.f("ck_referrals_two_members")),
        *_references("referrals", "member_id", "members"),
        *_references("referrals", "referrer_id", "members"),
        *_references("referrals", "second_referrer_id", "members"),
        *_references("referrals", "share_token_id", "share_tokens"),
        *_references("referrals", "programme_id", "referral_programmes"),
        *_references("referrals", "decision_id", "risk_decisions"),
        *_references("referrals", "order_id", "orders"),
        sa.PrimaryKeyConstraint("id", name="pk_referrals"),
        sa.UniqueConstraint("member_id", name="uq_referrals_member_id"),
    )
    op.create_index("ix_referrals_referrer_id", "referrals", ["referrer_id", "id"])
    for column in ("second_referrer_id", "order_id"):
        op.create_index(f"ix_referrals_{column}", "referrals", [column])
    for column in ("settles_at", "lapses_at"):
        op.create_index(
            f"ix_referrals_{column}", "referrals", [column], postgresql_where=sa.text("state = 'attributed'")
        )
    op.create_index("ix_referrals_qualified", "referrals", ["id"], postgresql_where=sa.text("state = 'qualified'"))


def _references(table: str, column: str, other: str) -> list[sa.ForeignKeyConstraint]:
    return [sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")]


def _create_rewards() -> None:
    op.create_table(
        "referral_rewards",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("referral_id", sa.BigInteger, nullable=True),
        sa.Column("opening_id", sa.BigInteger, nullable=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=True),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("entry_id", sa.BigInteger, nullable=True),
        sa.Column("coupon_id", sa.BigInteger, nullable=True),
        sa.Column("capped_on", sa.Date, nullable=True),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.Column("taken_back_at", _INSTANT, nullable=True),
        sa.CheckConstraint("(referral_id IS NULL) <> (opening_id IS NULL)", name=op.f("ck_referral_rewards_cause")),
        sa.CheckConstraint("(opening_id IS NULL) = (side <> 'sharer')", name=op.f("ck_referral_rewards_opening")),
        sa.CheckConstraint("points >= 0", name=op.f("ck_referral_rewards_points")),
        sa.CheckConstraint("side IN ('referrer', 'referee', 'sharer')", name=op.f("ck_referral_rewards_side")),
        sa.CheckConstraint(
            "state IN ('waiting', 'paid', 'missed', 'taken_back', 'kept')", name=op.f("ck_referral_rewards_state")
        ),
        *_references("referral_rewards", "member_id", "members"),
        *_references("referral_rewards", "referral_id", "referrals"),
        *_references("referral_rewards", "opening_id", "share_openings"),
        *_references("referral_rewards", "coupon_id", "coupons"),
        sa.PrimaryKeyConstraint("id", name="pk_referral_rewards"),
        sa.UniqueConstraint("referral_id", "side", name="uq_referral_rewards_referral_id_side"),
        sa.UniqueConstraint("opening_id", name="uq_referral_rewards_opening_id"),
    )
    op.create_index("ix_referral_rewards_member_id", "referral_rewards", ["member_id"])
    op.create_index(
        "ix_referral_rewards_waiting",
        "referral_rewards",
        ["opening_id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
