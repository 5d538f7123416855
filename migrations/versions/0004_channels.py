"""Tables of channels: message templates, menus, keyword replies, QR scenes, stored pushes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_message_templates()
    _create_menus()
    _create_keyword_replies()
    _create_scenes()
    _create_stored_pushes()


def downgrade() -> None:
    for table in ("stored_pushes", "scenes", "keyword_replies", "menus", "message_templates"):
        op.drop_table(table)


def _create_message_templates() -> None:
    op.create_table(
        "message_templates",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("notice_kind", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("template_id", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("mapping", JSONB, nullable=False),
        sa.Column("url", sa.String),
        sa.Column("mini_program_appid", sa.String),
        sa.Column("page", sa.String),
        sa.Column("is_enabled", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_message_templates"),
        sa.UniqueConstraint("appid", "notice_kind", "channel", name="uq_message_templates_appid_notice_kind_channel"),
        sa.CheckConstraint("channel IN ('template', 'subscription')", name="ck_message_templates_channel"),
    )


def _create_menus() -> None:
    op.create_table(
        "menus",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("buttons", JSONB, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("published_by", sa.String),
        sa.Column("published_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_menus"),
    )
    op.create_index("uq_menus_draft", "menus", ["appid"], unique=True, postgresql_where=sa.text("published_at IS NULL"))
    op.create_index("ix_menus_appid_published_at", "menus", ["appid", "published_at"])


def _create_keyword_replies() -> None:
    op.create_table(
        "keyword_replies",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("trigger", sa.String, nullable=False),
        sa.Column("keyword", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("is_enabled", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_keyword_replies"),
        sa.UniqueConstraint("appid", "trigger", "keyword", name="uq_keyword_replies_appid_trigger_keyword"),
        sa.CheckConstraint(
            "trigger IN ('welcome', 'exact', 'contains', 'click', 'default')", name="ck_keyword_replies_trigger"
        ),
    )


def _create_scenes() -> None:
    op.create_table(
        "scenes",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("subject_kind", sa.String, nullable=False),
        sa.Column("subject_id", sa.BigInteger, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("ticket", sa.String),
        sa.Column("url", sa.String),
        sa.Column("expires_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scenes"),
        sa.UniqueConstraint("appid", "key", name="uq_scenes_appid_key"),
    )
    op.create_index("ix_scenes_subject_kind_subject_id", "scenes", ["subject_kind", "subject_id"])


def _create_stored_pushes() -> None:
    op.create_table(
        "stored_pushes",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("dedup_index", sa.LargeBinary, nullable=False),
        sa.Column("openid_index", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("payload_sealed", sa.LargeBinary, nullable=False),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("reply_text", sa.String),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stored_pushes"),
        sa.UniqueConstraint("appid", "dedup_index", name="uq_stored_pushes_appid_dedup_index"),
        sa.CheckConstraint("mode IN ('plain', 'compatible', 'safe')", name="ck_stored_pushes_mode"),
    )
    op.create_index("ix_stored_pushes_openid_index", "stored_pushes", ["openid_index"])
    op.create_index("ix_stored_pushes_received_at", "stored_pushes", ["received_at"])
