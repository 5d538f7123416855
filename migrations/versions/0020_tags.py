"""Tables of tags, and rules that name tags by their ids.

Rules named tags by texts before there were any: each such text becomes a tag, so that every rule keeps what it says.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_NAMES_OF_IDS = "SELECT jsonb_agg(tags.name ORDER BY tags.name) FROM tags WHERE named.tags @> to_jsonb(tags.id)"
_IDS_OF_NAMES = "SELECT jsonb_agg(tags.id ORDER BY tags.id) FROM tags WHERE named.tags ? tags.name"


def upgrade() -> None:
    _create_tags()
    _create_member_tags()
    op.execute(
        """
        INSERT INTO tags (name, created_at)
        SELECT DISTINCT named.tag, transaction_timestamp()
        FROM earning_rule_revisions, jsonb_array_elements_text(definition #> '{conditions,tags}') AS named (tag)
        """
    )
    _rewrite_rules(_IDS_OF_NAMES)


def downgrade() -> None:
    _rewrite_rules(_NAMES_OF_IDS)
    for table in ("member_tags", "tags"):
        op.drop_table(table)


def _create_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=True),
        sa.Column("is_archived", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.UniqueConstraint("name", name="uq_tags_name"),
    )


def _create_member_tags() -> None:
    op.create_table(
        "member_tags",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("tag_id", sa.BigInteger, nullable=False),
        sa.Column("tagged_at", _INSTANT, nullable=False),
        sa.Column("tagged_by", sa.String, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_member_tags_member_id_members"),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name="fk_member_tags_tag_id_tags"),
        sa.PrimaryKeyConstraint("member_id", "tag_id", name="pk_member_tags"),
    )
    op.create_index("ix_member_tags_tag_id_member_id", "member_tags", ["tag_id", "member_id"])


def _rewrite_rules(named_otherwise: str) -> None:
    """Name the same tags otherwise in every rule; published ones too, for what they say does not change."""
    op.execute("ALTER TABLE earning_rule_revisions DISABLE TRIGGER earning_rule_revisions_stay")
    op.execute(
        f"""
        UPDATE earning_rule_revisions AS revision
        SET definition = jsonb_set(revision.definition, '{{conditions,tags}}', ({named_otherwise}))
        FROM (
            SELECT id, definition #> '{{conditions,tags}}' AS tags FROM earning_rule_revisions
        ) AS named
        WHERE named.id = revision.id AND jsonb_array_length(named.tags) > 0
        """  # noqa: S608 - one of two texts above
    )
    op.execute("ALTER TABLE earning_rule_revisions ENABLE TRIGGER earning_rule_revisions_stay")
