"""Tables of coupons: templates and their revisions, coupons, locks, redemptions, claim codes and issue jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_templates()
    _create_revisions()
    _refuse_changes_of_published_revisions()
    _create_pictures()
    _create_code_batches()
    _create_coupons()
    _create_locks()
    _create_redemptions()
    _create_code_uses()
    _create_issue_jobs()
    _create_issue_files()
    _create_issue_rows()
    _create_issue_problems()
    _let_approvals_be_of("adjustment_batch", "partner_key", "coupon_issue")


def downgrade() -> None:
    op.execute("DELETE FROM approvals WHERE kind = 'coupon_issue'")
    _let_approvals_be_of("adjustment_batch", "partner_key")
    op.drop_constraint("fk_coupon_templates_revision", "coupon_templates")
    for table in (
        "coupon_issue_problems",
        "coupon_issue_rows",
        "coupon_issue_files",
        "coupon_issue_jobs",
        "coupon_code_uses",
        "coupon_redemptions",
        "coupon_locks",
        "coupons",
        "coupon_code_batches",
        "coupon_pictures",
        "coupon_template_revisions",
        "coupon_templates",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change_of_published_terms()")


def _create_templates() -> None:
    op.create_table(
        "coupon_templates",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, server_default=sa.text("'draft'"), nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=True),
        sa.Column("stock", sa.BigInteger, nullable=True),
        sa.Column("link_token", sa.String, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint("(state = 'draft') = (revision_id IS NULL)", name=op.f("ck_coupon_templates_revision_id")),
        sa.CheckConstraint("state IN ('draft', 'live', 'paused', 'stopped')", name=op.f("ck_coupon_templates_state")),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_coupon_templates_stock")),
        sa.PrimaryKeyConstraint("id", name="pk_coupon_templates"),
    )
    op.create_index("uq_coupon_templates_link_token", "coupon_templates", ["link_token"], unique=True)


def _create_revisions() -> None:
    op.create_table(
        "coupon_template_revisions",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("template_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("terms", JSONB, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("published_by", sa.String, nullable=True),
        sa.Column("published_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "(published_at IS NULL) = (published_by IS NULL)", name=op.f("ck_coupon_template_revisions_published")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_coupon_template_revisions_number")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["coupon_templates.id"], name="fk_coupon_template_revisions_template_id_coupon_templates"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_coupon_template_revisions"),
        sa.UniqueConstraint("template_id", "number", name="uq_coupon_template_revisions_template_id_number"),
    )
    op.create_index(
        "uq_coupon_template_revisions_draft",
        "coupon_template_revisions",
        ["template_id"],
        unique=True,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_foreign_key(
        "fk_coupon_templates_revision", "coupon_templates", "coupon_template_revisions", ["revision_id"], ["id"]
    )


def _refuse_changes_of_published_revisions() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_published_terms() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.published_at IS NULL THEN
                RETURN COALESCE(NEW, OLD);
            END IF;
            RAISE EXCEPTION 'revision % is published: % is refused', OLD.id, TG_OP
                USING ERRCODE = 'restrict_violation';
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER coupon_template_revisions_stay BEFORE UPDATE OR DELETE ON coupon_template_revisions"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published_terms()"
    )
    op.execute(
        "CREATE TRIGGER coupon_template_revisions_are_kept BEFORE TRUNCATE ON coupon_template_revisions"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _create_pictures() -> None:
    op.create_table(
        "coupon_pictures",
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("media_type", sa.String, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("uploaded_by", sa.String, nullable=False),
        sa.Column("uploaded_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_coupon_pictures"),
    )


def _create_code_batches() -> None:
    op.create_table(
        "coupon_code_batches",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("template_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("first_serial", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("voided_by", sa.String, nullable=True),
        sa.Column("voided_at", _INSTANT, nullable=True),
        sa.CheckConstraint("first_serial >= 0 AND count > 0", name=op.f("ck_coupon_code_batches_count")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["coupon_templates.id"], name="fk_coupon_code_batches_template_id_coupon_templates"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_coupon_code_batches"),
        sa.UniqueConstraint("first_serial", name="uq_coupon_code_batches_first_serial"),
    )


def _create_coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("template_id", sa.BigInteger, nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("issued_at", _INSTANT, nullable=False),
        sa.Column("usable_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("points_paid", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.String, server_default=sa.text("'issued'"), nullable=False),
        sa.Column("lock_id", sa.BigInteger, nullable=True),
        sa.Column("locked_until_at", _INSTANT, nullable=True),
        sa.Column("reminded_at", _INSTANT, nullable=True),
        sa.CheckConstraint("(state = 'locked') = (lock_id IS NOT NULL)", name=op.f("ck_coupons_lock_id")),
        sa.CheckConstraint(
            "path IN ('claim', 'link', 'code', 'earning_rule', 'staff', 'partner', 'bulk')",
            name=op.f("ck_coupons_path"),
        ),
        sa.CheckConstraint(
            "state IN ('issued', 'locked', 'redeemed', 'voided', 'expired')", name=op.f("ck_coupons_state")
        ),
        sa.CheckConstraint("(lock_id IS NULL) = (locked_until_at IS NULL)", name=op.f("ck_coupons_locked_until_at")),
        sa.CheckConstraint("points_paid >= 0", name=op.f("ck_coupons_points_paid")),
        sa.CheckConstraint("usable_at < expires_at", name=op.f("ck_coupons_expires_at")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_coupons_member_id_members"),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["coupon_template_revisions.id"], name="fk_coupons_revision_id_coupon_template_revisions"
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_coupons_store_id_stores"),
        sa.PrimaryKeyConstraint("id", name="pk_coupons"),
        sa.UniqueConstraint("member_id", "reference", name="uq_coupons_member_id_reference"),
        postgresql_with={"fillfactor": 90},
    )
    op.create_index(
        "ix_coupons_open", "coupons", ["expires_at", "id"], postgresql_where=sa.text("state IN ('issued', 'locked')")
    )
    op.create_index("ix_coupons_template_id", "coupons", ["template_id", "id"])
    op.create_index("ix_coupons_issued_at", "coupons", ["issued_at"], postgresql_using="brin")


def _create_locks() -> None:
    op.create_table(
        "coupon_locks",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("basket", JSONB, nullable=False),
        sa.Column("discounts", JSONB, nullable=False),
        sa.Column("discount_fen", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("locked_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("ended_as", sa.String, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.CheckConstraint("ended_as IN ('redeemed', 'unlocked')", name=op.f("ck_coupon_locks_ended_as")),
        sa.CheckConstraint("(ended_as IS NULL) = (ended_at IS NULL)", name=op.f("ck_coupon_locks_ended_at")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_coupon_locks_member_id_members"),
        sa.PrimaryKeyConstraint("id", name="pk_coupon_locks"),
        sa.UniqueConstraint("member_id", "reference", name="uq_coupon_locks_member_id_reference"),
    )
    op.create_index(
        "ix_coupon_locks_open", "coupon_locks", ["expires_at"], postgresql_where=sa.text("ended_at IS NULL")
    )


def _create_redemptions() -> None:
    op.create_table(
        "coupon_redemptions",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("coupon_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("template_id", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("order_id", sa.BigInteger, nullable=True),
        sa.Column("basket_fen", sa.BigInteger, nullable=False),
        sa.Column("discount_fen", sa.BigInteger, nullable=False),
        sa.Column("shares", JSONB, nullable=False),
        sa.Column("bonus_points", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("redeemed_at", _INSTANT, nullable=False),
        sa.Column("reversal_reference", sa.String, nullable=True),
        sa.Column("reversed_by", sa.String, nullable=True),
        sa.Column("reversed_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "(reversed_at IS NULL) = (reversed_by IS NULL) AND (reversed_at IS NULL) = (reversal_reference IS NULL)",
            name=op.f("ck_coupon_redemptions_reversed_at"),
        ),
        sa.CheckConstraint(
            "discount_fen >= 0 AND discount_fen <= basket_fen", name=op.f("ck_coupon_redemptions_discount_fen")
        ),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name="fk_coupon_redemptions_coupon_id_coupons"),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_coupon_redemptions_member_id_members"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_coupon_redemptions_order_id_orders"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_coupon_redemptions_store_id_stores"),
        sa.PrimaryKeyConstraint("id", name="pk_coupon_redemptions"),
        sa.UniqueConstraint(
            "member_id", "reference", "coupon_id", name="uq_coupon_redemptions_member_id_reference_coupon_id"
        ),
    )
    op.create_index(
        "ix_coupon_redemptions_order_id",
        "coupon_redemptions",
        ["order_id"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index("ix_coupon_redemptions_store_id", "coupon_redemptions", ["store_id", "redeemed_at"])
    op.create_index("ix_coupon_redemptions_template_id", "coupon_redemptions", ["template_id", "redeemed_at"])
    op.create_index("ix_coupon_redemptions_redeemed_at", "coupon_redemptions", ["redeemed_at"], postgresql_using="brin")
    op.create_index(
        "uq_coupon_redemptions_standing",
        "coupon_redemptions",
        ["coupon_id"],
        unique=True,
        postgresql_where=sa.text("reversed_at IS NULL"),
    )


def _create_code_uses() -> None:
    op.create_table(
        "coupon_code_uses",
        sa.Column("serial", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("coupon_id", sa.BigInteger, nullable=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["coupon_code_batches.id"], name="fk_coupon_code_uses_batch_id_coupon_code_batches"
        ),
        sa.ForeignKeyConstraint(["coupon_id"], ["coupons.id"], name="fk_coupon_code_uses_coupon_id_coupons"),
        sa.PrimaryKeyConstraint("serial", name="pk_coupon_code_uses"),
    )
    op.create_index("ix_coupon_code_uses_batch_id", "coupon_code_uses", ["batch_id", "serial"])


def _create_issue_jobs() -> None:
    op.create_table(
        "coupon_issue_jobs",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("template_id", sa.BigInteger, nullable=False),
        sa.Column("revision_id", sa.BigInteger, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("tag_id", sa.BigInteger, nullable=True),
        sa.Column("state", sa.String, server_default=sa.text("'checking'"), nullable=False),
        sa.Column("fault", sa.String, nullable=True),
        sa.Column("total", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("bad_rows", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("checked_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "state IN ('checking', 'unreadable', 'checked', 'submitted', 'refused', 'discarded', 'issuing', 'issued',"
            " 'stopped', 'undoing', 'undone')",
            name=op.f("ck_coupon_issue_jobs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["coupon_template_revisions.id"],
            name="fk_coupon_issue_jobs_revision_id_coupon_template_revisions",
        ),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_coupon_issue_jobs_store_id_stores"),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name="fk_coupon_issue_jobs_tag_id_tags"),
        sa.ForeignKeyConstraint(
            ["template_id"], ["coupon_templates.id"], name="fk_coupon_issue_jobs_template_id_coupon_templates"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_coupon_issue_jobs"),
    )


def _create_issue_files() -> None:
    op.create_table(
        "coupon_issue_files",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("job_id", sa.BigInteger, nullable=False),
        sa.Column("content_sealed", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["coupon_issue_jobs.id"], name="fk_coupon_issue_files_job_id_coupon_issue_jobs"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_coupon_issue_files"),
    )
    op.create_index("ix_coupon_issue_files_job_id", "coupon_issue_files", ["job_id", "id"])


def _create_issue_rows() -> None:
    op.create_table(
        "coupon_issue_rows",
        sa.Column("job_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=True),
        sa.Column("skipped", sa.String, nullable=True),
        sa.Column("kept", sa.String, nullable=True),
        sa.CheckConstraint("kept IN ('used', 'locked', 'lapsed', 'voided')", name=op.f("ck_coupon_issue_rows_kept")),
        sa.CheckConstraint(
            "skipped IN ('gone', 'provisional', 'duplicate', 'tier', 'tag', 'member_total', 'member_day', 'stock',"
            " 'day_stock', 'store_stock')",
            name=op.f("ck_coupon_issue_rows_skipped"),
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["coupon_issue_jobs.id"], name="fk_coupon_issue_rows_job_id_coupon_issue_jobs"
        ),
        sa.PrimaryKeyConstraint("job_id", "member_id", name="pk_coupon_issue_rows"),
    )


def _create_issue_problems() -> None:
    op.create_table(
        "coupon_issue_problems",
        sa.Column("job_id", sa.BigInteger, nullable=False),
        sa.Column("line", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("first_line", sa.BigInteger, nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["coupon_issue_jobs.id"], name="fk_coupon_issue_problems_job_id_coupon_issue_jobs"
        ),
        sa.PrimaryKeyConstraint("job_id", "line", name="pk_coupon_issue_problems"),
    )


def _let_approvals_be_of(*kinds: str) -> None:
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_approvals_kind"), "approvals")
    op.create_check_constraint(op.f("ck_approvals_kind"), "approvals", f"kind IN ({named})")
