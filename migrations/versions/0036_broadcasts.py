"""Broadcasts, windows of customer messages, inbox messages without a notice, no marketing in template messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_RECIPIENT_STATES = "'waiting', 'ready', 'sending', 'sent', 'inbox', 'left_out'"
_REASONS = (
    "'gone', 'unsubscribed', 'consent_withdrawn', 'blocked', 'capped', 'inbox_only', 'no_account', 'no_way', "
    "'not_sent', 'too_late', 'switched_off'"
)
_ATTEMPT_STATES = "'sending', 'again', 'sent', 'delivered', 'refused', 'failed', 'unknown'"


def upgrade() -> None:
    _change_notices()
    _create_broadcasts()
    _create_recipients()
    _create_attempts()
    _create_settings()


def downgrade() -> None:
    for table in (
        "push_policies", "channel_closures", "marketing_counts", "broadcast_attempts", "broadcast_recipients",
        "broadcasts", "customer_windows",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_constraint(op.f("ck_message_templates_no_marketing"), "message_templates")
    op.execute("DELETE FROM inbox_messages WHERE notice_id IS NULL")
    op.alter_column("inbox_messages", "notice_id", nullable=False)
    op.drop_column("inbox_messages", "page")
    op.drop_column("inbox_messages", "link")


def _change_notices() -> None:
    op.alter_column("inbox_messages", "notice_id", nullable=True)
    op.add_column("inbox_messages", sa.Column("link", sa.String, nullable=True))
    op.add_column("inbox_messages", sa.Column("page", sa.String, nullable=True))
    op.create_check_constraint(
        op.f("ck_message_templates_no_marketing"),
        "message_templates",
        "NOT (notice_kind = 'campaign' AND channel = 'template')",
    )
    op.create_table(
        "customer_windows",
        sa.Column("identity_id", sa.BigInteger, nullable=False),
        sa.Column("act", sa.String, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("remaining", sa.BigInteger, nullable=False),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_customer_windows_remaining")),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identities.id"],
            name=op.f("fk_customer_windows_identity_id_identities"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("identity_id", "act", name=op.f("pk_customer_windows")),
    )
    op.create_index("ix_customer_windows_expires_at", "customer_windows", ["expires_at"])


def _create_broadcasts() -> None:
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("link", sa.String, nullable=True),
        sa.Column("page", sa.String, nullable=True),
        sa.Column("channels", JSONB, nullable=False),
        sa.Column("state", sa.String, server_default=sa.text("'running'"), nullable=False),
        sa.Column("error", sa.String, nullable=True),
        sa.Column("members_total", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('running', 'paused', 'stopped')", name=op.f("ck_broadcasts_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
        sa.UniqueConstraint("subject", name=op.f("uq_broadcasts_subject")),
    )
    op.create_index("ix_broadcasts_running", "broadcasts", ["id"], postgresql_where=sa.text("state = 'running'"))


def _create_recipients() -> None:
    op.create_table(
        "broadcast_recipients",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("broadcast_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("token", sa.Uuid, server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("state", sa.String, server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("reason", sa.String, nullable=True),
        sa.Column("channel", sa.String, nullable=True),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("give_up_at", _INSTANT, nullable=False),
        sa.Column("counted_on", sa.Date, nullable=True),
        sa.Column("clicked_at", _INSTANT, nullable=True),
        sa.CheckConstraint(f"state IN ({_RECIPIENT_STATES})", name=op.f("ck_broadcast_recipients_state")),
        sa.CheckConstraint(f"reason IN ({_REASONS})", name=op.f("ck_broadcast_recipients_reason")),
        sa.CheckConstraint("channel IN ('subscription', 'customer')", name=op.f("ck_broadcast_recipients_channel")),
        sa.CheckConstraint(
            "(state = 'sent') <= (channel IS NOT NULL)", name=op.f("ck_broadcast_recipients_sent_over")
        ),
        sa.ForeignKeyConstraint(
            ["broadcast_id"], ["broadcasts.id"], name=op.f("fk_broadcast_recipients_broadcast_id_broadcasts")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_broadcast_recipients_member_id_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_recipients")),
        sa.UniqueConstraint(
            "broadcast_id", "member_id", name=op.f("uq_broadcast_recipients_broadcast_id_member_id")
        ),
        sa.UniqueConstraint("token", name=op.f("uq_broadcast_recipients_token")),
    )  # fmt: skip
    for state in ("waiting", "ready"):
        op.create_index(
            f"ix_broadcast_recipients_{state}",
            "broadcast_recipients",
            ["broadcast_id", "due_at", "id"],
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_index("ix_broadcast_recipients_member_id", "broadcast_recipients", ["member_id"])


def _create_attempts() -> None:
    op.create_table(
        "broadcast_attempts",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("recipient_id", sa.BigInteger, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=False),
        sa.Column("template_id", sa.String, nullable=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("tries", sa.BigInteger, server_default=sa.text("1"), nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("settled_at", _INSTANT, nullable=True),
        sa.Column("provider_message_id", sa.String, nullable=True),
        sa.Column("reason", sa.String, nullable=True),
        sa.Column("errcode", sa.BigInteger, nullable=True),
        sa.Column("detail", sa.String, nullable=True),
        sa.CheckConstraint(f"state IN ({_ATTEMPT_STATES})", name=op.f("ck_broadcast_attempts_state")),
        sa.CheckConstraint("channel IN ('subscription', 'customer')", name=op.f("ck_broadcast_attempts_channel")),
        sa.CheckConstraint(
            "(channel = 'subscription') = (template_id IS NOT NULL)", name=op.f("ck_broadcast_attempts_template_id")
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identities.id"],
            name=op.f("fk_broadcast_attempts_identity_id_identities"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["recipient_id"],
            ["broadcast_recipients.id"],
            name=op.f("fk_broadcast_attempts_recipient_id_broadcast_recipients"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_attempts")),
        sa.UniqueConstraint(
            "recipient_id",
            "channel",
            "identity_id",
            name=op.f("uq_broadcast_attempts_recipient_id_channel_identity_id"),
        ),
        sa.UniqueConstraint("recipient_id", "step", name=op.f("uq_broadcast_attempts_recipient_id_step")),
    )
    op.create_index("ix_broadcast_attempts_identity_id", "broadcast_attempts", ["identity_id"])
    op.create_index(
        "ix_broadcast_attempts_provider_message_id", "broadcast_attempts", ["provider_message_id", "identity_id"]
    )
    op.create_index(
        "ix_broadcast_attempts_sending",
        "broadcast_attempts",
        ["started_at"],
        postgresql_where=sa.text("state = 'sending'"),
    )


def _create_settings() -> None:
    op.create_table(
        "marketing_counts",
        sa.Column("member_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("day_on", sa.Date, nullable=False),
        sa.Column("day_count", sa.BigInteger, nullable=False),
        sa.Column("week_on", sa.Date, nullable=False),
        sa.Column("week_count", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "day_count >= 0 AND week_count >= day_count", name=op.f("ck_marketing_counts_counts")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_marketing_counts_member_id_members")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_marketing_counts")),
        postgresql_with={"fillfactor": 50},
    )  # fmt: skip
    op.create_table(
        "channel_closures",
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("reopens_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("appid", "channel", name=op.f("pk_channel_closures")),
    )
    op.create_table(
        "push_policies",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("policy", JSONB, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_policies")),
    )
