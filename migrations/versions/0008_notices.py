"""Tables of notices: notices, deliveries, subscription grants, inbox, settings of the kinds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", INSTANT),
        sa.Column("acted_at", INSTANT),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.CheckConstraint("state IN ('queued', 'finished')", name=op.f("ck_notices_state_known")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_notices_member_id_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("member_id", "kind", "subject", name=op.f("uq_notices_member_id_kind_subject")),
    )
    op.create_index("ix_notices_due_at", "notices", ["due_at"], postgresql_where=sa.text("state = 'queued'"))
    op.create_table(
        "notice_deliveries",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("identity_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("resent_at", INSTANT),
        sa.Column("settled_at", INSTANT),
        sa.Column("provider_message_id", sa.String()),
        sa.Column("reason", sa.String()),
        sa.Column("errcode", sa.BigInteger()),
        sa.Column("detail", sa.String()),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'delivered', 'refused', 'failed', 'unknown')",
            name=op.f("ck_notice_deliveries_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identities.id"],
            name=op.f("fk_notice_deliveries_identity_id_identities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_notice_deliveries_member_id_members")),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.id"], name=op.f("fk_notice_deliveries_notice_id_notices"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_deliveries")),
        sa.UniqueConstraint(
            "notice_id", "channel", "identity_id", name=op.f("uq_notice_deliveries_notice_id_channel_identity_id")
        ),
    )
    op.create_index(op.f("ix_notice_deliveries_identity_id"), "notice_deliveries", ["identity_id"])
    op.create_index("ix_notice_deliveries_member_id_started_at", "notice_deliveries", ["member_id", "started_at"])
    op.create_index(
        "ix_notice_deliveries_provider_message_id", "notice_deliveries", ["provider_message_id", "identity_id"]
    )
    op.create_index(
        "ix_notice_deliveries_sending",
        "notice_deliveries",
        ["started_at"],
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "ix_notice_deliveries_unknown",
        "notice_deliveries",
        ["settled_at"],
        postgresql_where=sa.text("state = 'unknown'"),
    )
    op.create_table(
        "subscription_grants",
        sa.Column("identity_id", sa.BigInteger(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_subscription_grants_balance_not_negative")),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identities.id"],
            name=op.f("fk_subscription_grants_identity_id_identities"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("identity_id", "template_id", name=op.f("pk_subscription_grants")),
    )
    op.create_table(
        "subscription_grant_entries",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("identity_id", sa.BigInteger(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=False),
        sa.Column("pair_id", sa.BigInteger()),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identities.id"],
            name=op.f("fk_subscription_grant_entries_identity_id_identities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["pair_id"],
            ["subscription_grant_entries.id"],
            name="fk_subscription_grant_entries_pair_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription_grant_entries")),
        sa.UniqueConstraint(
            "identity_id", "template_id", "source", "reference", name="uq_subscription_grant_entries_reference"
        ),
        sa.UniqueConstraint("pair_id", name=op.f("uq_subscription_grant_entries_pair_id")),
    )
    op.create_table(
        "inbox_messages",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("read_at", INSTANT),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_inbox_messages_member_id_members")),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.id"], name=op.f("fk_inbox_messages_notice_id_notices"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_messages")),
        sa.UniqueConstraint("notice_id", name=op.f("uq_inbox_messages_notice_id")),
    )
    op.create_index("ix_inbox_messages_member_id_id", "inbox_messages", ["member_id", "id"])
    op.create_index(
        "ix_inbox_messages_unread", "inbox_messages", ["member_id"], postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_table(
        "notice_kinds",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("channels", JSONB(), nullable=False),
        sa.Column("is_own_act", sa.Boolean(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_notice_kinds")),
    )


def downgrade() -> None:
    op.drop_table("notice_kinds")
    op.drop_table("inbox_messages")
    op.drop_table("subscription_grant_entries")
    op.drop_table("subscription_grants")
    op.drop_table("notice_deliveries")
    op.drop_table("notices")
