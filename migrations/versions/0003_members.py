"""Tables of members: members, identities, sessions, codes, open questions, consents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_members()
    _create_log_ins()
    _create_open_questions()
    _create_consents()


def downgrade() -> None:
    for table in (
        "notice_preferences",
        "consents",
        "privacy_texts",
        "merge_proposals",
        "binding_reviews",
        "sms_codes",
        "member_sessions",
        "member_keys",
        "identities",
        "members",
    ):
        op.drop_table(table)


def _create_members() -> None:
    op.create_table(
        "members",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("status", sa.String, server_default=sa.text("'active'"), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary, nullable=True),
        sa.Column("phone_index", sa.LargeBinary, nullable=True),
        sa.Column("phone_proved_at", _INSTANT, nullable=True),
        sa.Column("nickname_sealed", sa.LargeBinary, nullable=True),
        sa.Column("birthday_sealed", sa.LargeBinary, nullable=True),
        sa.Column("birthday_changed_at", _INSTANT, nullable=True),
        sa.Column("enrolled_at", _INSTANT, nullable=False),
        sa.Column("enrolled_store_id", sa.BigInteger, nullable=True),
        sa.Column("last_active_at", _INSTANT, nullable=False),
        sa.Column("merged_into_id", sa.BigInteger, nullable=True),
        sa.CheckConstraint("(status = 'merged') = (merged_into_id IS NOT NULL)", name=op.f("ck_members_merged_into")),
        sa.CheckConstraint("status IN ('active', 'closing', 'closed', 'merged')", name=op.f("ck_members_status")),
        sa.CheckConstraint("(phone_sealed IS NULL) = (phone_index IS NULL)", name=op.f("ck_members_phone")),
        sa.ForeignKeyConstraint(["enrolled_store_id"], ["stores.id"], name=op.f("fk_members_enrolled_store_id_stores")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["members.id"], name=op.f("fk_members_merged_into_id_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
    )
    op.create_index(
        "ix_members_merged_into_id",
        "members",
        ["merged_into_id"],
        unique=False,
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_index("uq_members_number", "members", ["number"], unique=True)
    op.create_index(
        "uq_members_phone_index",
        "members",
        ["phone_index"],
        unique=True,
        postgresql_where=sa.text("phone_index IS NOT NULL"),
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("openid", sa.String, nullable=False),
        sa.Column("unionid", sa.String, nullable=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=True),
        sa.Column("is_following", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("followed_at", _INSTANT, nullable=True),
        sa.Column("unfollowed_at", _INSTANT, nullable=True),
        sa.Column("follow_scene", sa.String, nullable=True),
        sa.Column("first_seen_at", _INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('oa', 'mp')", name=op.f("ck_identities_kind")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_identities_member_id_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
    )
    op.create_index("ix_identities_member_id", "identities", ["member_id"], unique=False)
    op.create_index(
        "ix_identities_unionid",
        "identities",
        ["unionid"],
        unique=False,
        postgresql_where=sa.text("unionid IS NOT NULL"),
    )
    op.create_index("uq_identities_appid_openid", "identities", ["appid", "openid"], unique=True)
    op.create_table(
        "member_keys",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("key_sealed", sa.LargeBinary, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_member_keys_member_id_members")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_member_keys")),
    )


def _create_log_ins() -> None:
    op.create_table(
        "member_sessions",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=False),
        sa.Column("door", sa.String, nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("renewed_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.CheckConstraint("door IN ('h5', 'mini_program')", name=op.f("ck_member_sessions_door")),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["identities.id"], name=op.f("fk_member_sessions_identity_id_identities")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_sessions")),
    )
    op.create_index("ix_member_sessions_expires_at", "member_sessions", ["expires_at"], unique=False)
    op.create_index("ix_member_sessions_identity_id", "member_sessions", ["identity_id"], unique=False)
    op.create_index("uq_member_sessions_token_hash", "member_sessions", ["token_hash"], unique=True)
    op.create_table(
        "sms_codes",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("phone_index", sa.LargeBinary, nullable=False),
        sa.Column("code_hmac", sa.LargeBinary, nullable=False),
        sa.Column("device_index", sa.LargeBinary, nullable=True),
        sa.Column("ip_index", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("consumed_at", _INSTANT, nullable=True),
        sa.CheckConstraint("purpose IN ('bind', 'change_phone', 'merge')", name=op.f("ck_sms_codes_purpose")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_sms_codes_attempts")),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name=op.f("fk_sms_codes_identity_id_identities")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_codes")),
    )
    op.create_index("ix_sms_codes_device_index", "sms_codes", ["device_index", "requested_at"], unique=False)
    op.create_index("ix_sms_codes_identity_id", "sms_codes", ["identity_id", "requested_at"], unique=False)
    op.create_index("ix_sms_codes_ip_index", "sms_codes", ["ip_index", "requested_at"], unique=False)
    op.create_index("ix_sms_codes_phone_index", "sms_codes", ["phone_index", "requested_at"], unique=False)
    op.create_index("ix_sms_codes_requested_at", "sms_codes", ["requested_at"], unique=False)


def _create_open_questions() -> None:
    op.create_table(
        "binding_reviews",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=False),
        sa.Column("holder_id", sa.BigInteger, nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary, nullable=True),
        sa.Column("phone_proved_at", _INSTANT, nullable=False),
        sa.Column("is_change", sa.Boolean, nullable=False),
        sa.Column("consents", JSONB, nullable=False),
        sa.Column("door", sa.String, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("decided_at", _INSTANT, nullable=True),
        sa.Column("decided_by", sa.String, nullable=True),
        sa.CheckConstraint("door IN ('h5', 'mini_program')", name=op.f("ck_binding_reviews_door")),
        sa.CheckConstraint(
            "state IN ('waiting', 'with_staff', 'same_person', 'other_person', 'dropped')",
            name=op.f("ck_binding_reviews_state"),
        ),
        sa.CheckConstraint("attempts BETWEEN 0 AND 5", name=op.f("ck_binding_reviews_attempts")),
        sa.ForeignKeyConstraint(["holder_id"], ["members.id"], name=op.f("fk_binding_reviews_holder_id_members")),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["identities.id"], name=op.f("fk_binding_reviews_identity_id_identities")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name=op.f("fk_binding_reviews_store_id_stores")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binding_reviews")),
    )
    op.create_index(
        "ix_binding_reviews_expires_at",
        "binding_reviews",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'with_staff')"),
    )
    op.create_index("ix_binding_reviews_holder_id", "binding_reviews", ["holder_id"], unique=False)
    op.create_index("ix_binding_reviews_identity_id", "binding_reviews", ["identity_id"], unique=False)
    op.create_index(
        "uq_binding_reviews_identity_id",
        "binding_reviews",
        ["identity_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'with_staff')"),
    )
    op.create_table(
        "merge_proposals",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("other_member_id", sa.BigInteger, nullable=False),
        sa.Column("member_phone_proved_at", _INSTANT, nullable=True),
        sa.Column("other_phone_proved_at", _INSTANT, nullable=True),
        sa.Column("consented_at", _INSTANT, nullable=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('open', 'agreed', 'lapsed')", name=op.f("ck_merge_proposals_state")),
        sa.CheckConstraint("member_id <> other_member_id", name=op.f("ck_merge_proposals_two_members")),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["identities.id"], name=op.f("fk_merge_proposals_identity_id_identities")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_merge_proposals_member_id_members")),
        sa.ForeignKeyConstraint(
            ["other_member_id"], ["members.id"], name=op.f("fk_merge_proposals_other_member_id_members")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge_proposals")),
    )
    op.create_index("ix_merge_proposals_member_id", "merge_proposals", ["member_id"], unique=False)
    op.create_index("ix_merge_proposals_other_member_id", "merge_proposals", ["other_member_id"], unique=False)
    op.create_index(
        "uq_merge_proposals_identity_id",
        "merge_proposals",
        ["identity_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def _create_consents() -> None:
    op.create_table(
        "privacy_texts",
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("published_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "purpose IN ('service_terms', 'privacy', 'marketing')", name=op.f("ck_privacy_texts_purpose")
        ),
        sa.PrimaryKeyConstraint("purpose", "version", name=op.f("pk_privacy_texts")),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("text_hash", sa.LargeBinary, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("given_at", _INSTANT, nullable=False),
        sa.Column("withdrawn_at", _INSTANT, nullable=True),
        sa.Column("withdrawn_channel", sa.String, nullable=True),
        sa.CheckConstraint("channel IN ('h5', 'mini_program')", name=op.f("ck_consents_channel")),
        sa.CheckConstraint("purpose IN ('service_terms', 'privacy', 'marketing')", name=op.f("ck_consents_purpose")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_consents_member_id_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(
        "uq_consents_given",
        "consents",
        ["member_id", "purpose", "version"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "notice_preferences",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("is_wanted", sa.Boolean, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_notice_preferences_member_id_members")),
        sa.PrimaryKeyConstraint("member_id", "kind", name=op.f("pk_notice_preferences")),
    )
