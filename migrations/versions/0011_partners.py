"""Tables of partners: keys, nonces, member references."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_keys()
    _create_names_of_members()


def _create_keys() -> None:
    op.create_table(
        "partner_keys",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("key_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("requests_per_minute", sa.BigInteger, nullable=False),
        sa.Column("is_active", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("requests_per_minute > 0", name=op.f("ck_partner_keys_requests_per_minute")),
        sa.PrimaryKeyConstraint("id", name="pk_partner_keys"),
    )
    op.create_index("uq_partner_keys_key_id", "partner_keys", ["key_id"], unique=True)
    op.create_table(
        "partner_key_scopes",
        sa.Column("partner_key_id", sa.BigInteger, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_key_id"], ["partner_keys.id"], name="fk_partner_key_scopes_partner_key_id_partner_keys"
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_partner_key_scopes_store_id_stores"),
        sa.PrimaryKeyConstraint("partner_key_id", "store_id", name="pk_partner_key_scopes"),
    )
    op.create_table(
        "partner_secrets",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("partner_key_id", sa.BigInteger, nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("approved_at", _INSTANT, nullable=True),
        sa.Column("ends_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_key_id"], ["partner_keys.id"], name="fk_partner_secrets_partner_key_id_partner_keys"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_partner_secrets"),
    )
    op.create_index("ix_partner_secrets_partner_key_id", "partner_secrets", ["partner_key_id"])
    op.create_table(
        "partner_nonces",
        sa.Column("partner_key_id", sa.BigInteger, nullable=False),
        sa.Column("nonce", sa.String, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("partner_key_id", "nonce", name="pk_partner_nonces"),
    )
    op.create_index("ix_partner_nonces_used_at", "partner_nonces", ["used_at"])


def _create_names_of_members() -> None:
    op.create_table(
        "member_refs",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("token", sa.String, nullable=False),
        sa.Column("partner_key_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("is_introduced", sa.Boolean, nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_key_id"], ["partner_keys.id"], name="fk_member_refs_partner_key_id_partner_keys"
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_member_refs_member_id_members"),
        sa.PrimaryKeyConstraint("id", name="pk_member_refs"),
    )
    op.create_index("uq_member_refs_token", "member_refs", ["token"], unique=True)
    op.create_index("ix_member_refs_member_id", "member_refs", ["member_id"])
    op.create_index("ix_member_refs_expires_at", "member_refs", ["expires_at"])
    op.create_table(
        "used_member_codes",
        sa.Column("code", sa.String, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_used_member_codes_member_id_members"),
        sa.PrimaryKeyConstraint("code", name="pk_used_member_codes"),
    )
    op.create_index("ix_used_member_codes_member_id", "used_member_codes", ["member_id"])
    op.create_index("ix_used_member_codes_used_at", "used_member_codes", ["used_at"])
    op.create_table(
        "member_encounters",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=False),
        sa.Column("first_met_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_member_encounters_member_id_members"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_member_encounters_store_id_stores"),
        sa.PrimaryKeyConstraint("member_id", "store_id", name="pk_member_encounters"),
    )


def downgrade() -> None:
    for table in (
        "member_encounters",
        "used_member_codes",
        "member_refs",
        "partner_nonces",
        "partner_secrets",
        "partner_key_scopes",
        "partner_keys",
    ):
        op.drop_table(table)
