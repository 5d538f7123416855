"""Segments, what members bought for counting, the index of birthdays, and indexes that counting alone reads.

What is there already is filled in by two bulk runs, which the first workers of this version take up.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _index_members()
    _index_what_is_counted()
    _create_purchases()
    _create_segments()
    _create_snapshots()
    op.create_table(
        "automatic_tags",
        sa.Column("tag_id", sa.BigInteger, nullable=False),
        sa.Column("segment_id", sa.BigInteger, nullable=False),
        sa.Column("run_id", sa.BigInteger, nullable=True),
        sa.Column("started_by", sa.String, nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["bulk_runs.id"], name=op.f("fk_automatic_tags_run_id_bulk_runs")),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name=op.f("fk_automatic_tags_segment_id_segments")),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_automatic_tags_tag_id_tags")),
        sa.PrimaryKeyConstraint("tag_id", name=op.f("pk_automatic_tags")),
    )
    op.create_index("ix_automatic_tags_segment_id", "automatic_tags", ["segment_id"])
    _begin_filling()


def downgrade() -> None:
    op.execute("DELETE FROM bulk_runs WHERE kind LIKE 'segments.%' AND state <> 'finished'")
    op.drop_constraint("fk_segments_revision", "segments", type_="foreignkey")
    tables = (
        "automatic_tags", "segment_snapshot_members", "segment_snapshots", "segment_revisions", "segments",
        "member_purchase_totals", "member_purchase_lines", "member_purchases",
    )  # fmt: skip
    for table in tables:
        op.drop_table(table)
    for name in ("birthday_index", "enrolled_store_id", "enrolled_at", "living"):
        op.drop_index(f"ix_members_{name}", "members")
    op.drop_column("members", "birthday_index")
    for table, name in _COUNTED:
        op.drop_index(f"ix_{table}_{name}", table)
    _index_open_coupons(include=None)


_COUNTED = (
    ("member_tiers", "standing"),
    ("identities", "following"), ("identities", "mini_program"),
    ("lots", "expires_at"), ("lots", "available_at"),
    ("coupons", "open"),
)  # fmt: skip


def _index_what_is_counted() -> None:
    """Let counting read indexes alone; and of lots what is due or pending, the only ones that a check-in writes."""
    _index("member_tiers", "standing", "member_id", include=["level", "manual_level", "manual_until_at"])
    is_following = "kind = 'oa' AND is_following AND member_id IS NOT NULL"
    _index("identities", "following", "member_id", include=["appid"], where=is_following)
    is_mini_program = "kind = 'mp' AND member_id IS NOT NULL"
    _index("identities", "mini_program", "id", include=["member_id", "appid"], where=is_mini_program)
    _index("lots", "expires_at", "expires_at", where="remaining > 0 AND idle_days IS NULL AND expires_at IS NOT NULL")
    op.create_index(
        "ix_lots_available_at",
        "lots",
        ["available_at"],
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )
    op.drop_index("ix_coupons_open", "coupons")
    _index_open_coupons(include=["member_id", "template_id", "usable_at", "locked_until_at"])


def _index_open_coupons(*, include: list[str] | None) -> None:
    _index("coupons", "open", "expires_at", "id", include=include, where="state IN ('issued', 'locked')")


def _index_members() -> None:
    op.add_column("members", sa.Column("birthday_index", sa.LargeBinary, nullable=True))
    op.create_index("ix_members_living", "members", ["id"], postgresql_where=sa.text("status IN ('active', 'closing')"))
    op.create_index("ix_members_enrolled_at", "members", ["enrolled_at"])
    op.create_index("ix_members_enrolled_store_id", "members", ["enrolled_store_id"])
    op.create_index(
        "ix_members_birthday_index",
        "members",
        ["birthday_index"],
        postgresql_where=sa.text("birthday_index IS NOT NULL"),
    )


def _create_purchases() -> None:
    op.create_table(
        "member_purchases",
        sa.Column("order_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("bought_on", sa.Date, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("net_fen", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_member_purchases")),
    )
    _index("member_purchases", "bought_on", "bought_on", include=["member_id", "net_fen", "store_id", "channel"])
    _index("member_purchases", "member_id", "member_id", "bought_on", include=["net_fen"])
    _index("member_purchases", "store_id", "store_id", "bought_on", include=["member_id"])
    op.create_table(
        "member_purchase_lines",
        sa.Column("order_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("line_number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("bought_on", sa.Date, nullable=False),
        sa.Column("category", sa.String, nullable=False),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("net_fen", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "line_number", name=op.f("pk_member_purchase_lines")),
    )
    for name in ("category", "sku"):
        _index("member_purchase_lines", name, name, "bought_on", include=["member_id", "order_id", "net_fen"])
    _index("member_purchase_lines", "member_id", "member_id")
    op.create_table(
        "member_purchase_totals",
        sa.Column("member_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("purchases", sa.BigInteger, nullable=False),
        sa.Column("net_fen", sa.BigInteger, nullable=False),
        sa.Column("last_bought_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint(
            "member_id",
            name=op.f("pk_member_purchase_totals"),
            postgresql_include=["last_bought_on", "purchases", "net_fen"],
        ),
    )


def _index(table: str, name: str, *columns: str, include: list[str] | None = None, where: str | None = None) -> None:
    is_one = None if where is None else sa.text(where)
    op.create_index(f"ix_{table}_{name}", table, list(columns), postgresql_include=include, postgresql_where=is_one)


def _create_segments() -> None:
    op.create_table(
        "segments",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=True),
        sa.Column("is_archived", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
    )
    op.create_index(
        "uq_segments_title", "segments", ["title"], unique=True, postgresql_where=sa.text("NOT is_archived")
    )
    op.create_table(
        "segment_revisions",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("segment_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("condition", JSONB, nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name=op.f("fk_segment_revisions_segment_id_segments")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_revisions")),
        sa.UniqueConstraint("segment_id", "number", name=op.f("uq_segment_revisions_segment_id_number")),
    )
    op.create_foreign_key("fk_segments_revision", "segments", "segment_revisions", ["revision_id"], ["id"])
    op.execute(
        "CREATE TRIGGER segment_revisions_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON segment_revisions"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _create_snapshots() -> None:
    op.create_table(
        "segment_snapshots",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("segment_id", sa.BigInteger, nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=False),
        sa.Column("taken_at", _INSTANT, nullable=False),
        sa.Column("taken_by", sa.String, nullable=False),
        sa.Column("members", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("finished_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["segment_revisions.id"], name=op.f("fk_segment_snapshots_revision_id_segment_revisions")
        ),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name=op.f("fk_segment_snapshots_segment_id_segments")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_snapshots")),
    )
    op.create_index("ix_segment_snapshots_segment_id", "segment_snapshots", ["segment_id", "id"])
    op.create_table(
        "segment_snapshot_members",
        sa.Column("snapshot_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["segment_snapshots.id"],
            name=op.f("fk_segment_snapshot_members_snapshot_id_segment_snapshots"),
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "member_id", name=op.f("pk_segment_snapshot_members")),
    )


def _begin_filling() -> None:
    """Let workers fill in what was there before, where there is anything."""
    op.execute(
        "INSERT INTO bulk_runs (kind, subject, total, started_at)"
        " SELECT 'segments.fill_purchases', 'orders', max(id), now() FROM orders HAVING count(*) > 0"
    )
    op.execute(
        "INSERT INTO bulk_runs (kind, subject, total, started_at)"
        " SELECT 'segments.fill_birthdays', 'members', max(id), now() FROM members"
        " WHERE birthday_sealed IS NOT NULL HAVING count(*) > 0"
    )
