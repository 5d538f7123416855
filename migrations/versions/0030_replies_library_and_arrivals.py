"""Replies in an order, the template library of WeChat, and who came by which QR code."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("keyword_replies", sa.Column("position", sa.BigInteger, nullable=True))
    op.execute("UPDATE keyword_replies SET position = id")
    op.alter_column("keyword_replies", "position", nullable=False)
    _create_library_templates()
    _create_library_syncs()
    _create_scene_scans()
    _create_scene_enrolments()


def downgrade() -> None:
    for table in ("scene_enrolments", "scene_scans", "library_syncs", "library_templates"):
        op.drop_table(table)
    op.drop_column("keyword_replies", "position")


def _create_library_templates() -> None:
    op.create_table(
        "library_templates",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("template_id", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("content", sa.String, nullable=False),
        sa.Column("choices", JSONB, nullable=False),
        sa.Column("first_seen_at", _INSTANT, nullable=False),
        sa.Column("gone_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_templates")),
        sa.UniqueConstraint("appid", "template_id", name=op.f("uq_library_templates_appid_template_id")),
    )


def _create_library_syncs() -> None:
    op.create_table(
        "library_syncs",
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("synced_at", _INSTANT, nullable=True),
        sa.Column("failed_at", _INSTANT, nullable=True),
        sa.Column("failure", sa.String, nullable=True),
        sa.CheckConstraint("(failed_at IS NULL) = (failure IS NULL)", name=op.f("ck_library_syncs_failure")),
        sa.PrimaryKeyConstraint("appid", name=op.f("pk_library_syncs")),
    )


def _create_scene_scans() -> None:
    op.create_table(
        "scene_scans",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("push_id", sa.BigInteger, nullable=False),
        sa.Column("scene_id", sa.BigInteger, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=False),
        sa.Column("is_follow", sa.Boolean, nullable=False),
        sa.Column("is_new_follower", sa.Boolean, nullable=False),
        sa.Column("scanned_at", _INSTANT, nullable=False),
        sa.CheckConstraint("is_follow OR NOT is_new_follower", name=op.f("ck_scene_scans_is_new_follower")),
        sa.ForeignKeyConstraint(["scene_id"], ["scenes.id"], name=op.f("fk_scene_scans_scene_id_scenes")),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name=op.f("fk_scene_scans_identity_id_identities")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scene_scans")),
        sa.UniqueConstraint("push_id", name=op.f("uq_scene_scans_push_id")),
    )
    op.create_index("ix_scene_scans_scene_id_scanned_at", "scene_scans", ["scene_id", "scanned_at"])
    op.create_index("ix_scene_scans_scanned_at", "scene_scans", ["scanned_at"])
    op.create_index("ix_scene_scans_identity_id_scanned_at", "scene_scans", ["identity_id", "scanned_at"])
    op.create_index(
        "uq_scene_scans_new_follower",
        "scene_scans",
        ["identity_id"],
        unique=True,
        postgresql_where=sa.text("is_new_follower"),
    )


def _create_scene_enrolments() -> None:
    op.create_table(
        "scene_enrolments",
        sa.Column("member_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("scene_id", sa.BigInteger, nullable=False),
        sa.Column("scanned_at", _INSTANT, nullable=False),
        sa.Column("enrolled_at", _INSTANT, nullable=False),
        sa.CheckConstraint("scanned_at <= enrolled_at", name=op.f("ck_scene_enrolments_scanned_at")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_scene_enrolments_member_id_members")),
        sa.ForeignKeyConstraint(["scene_id"], ["scenes.id"], name=op.f("fk_scene_enrolments_scene_id_scenes")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_scene_enrolments")),
    )
    op.create_index("ix_scene_enrolments_scene_id_enrolled_at", "scene_enrolments", ["scene_id", "enrolled_at"])
    op.create_index("ix_scene_enrolments_enrolled_at", "scene_enrolments", ["enrolled_at"])
