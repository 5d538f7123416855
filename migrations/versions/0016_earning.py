"""Tables of earning: rules, revisions, evaluations and what refunds left of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_EVENTS = "'purchase', 'check_in', 'enrolled', 'profile_completed', 'birthday', 'review', 'custom'"


def upgrade() -> None:
    _create_rules()
    _create_revisions()
    _refuse_changes_of_published_revisions()
    _create_evaluations()


def downgrade() -> None:
    for table in ("settlements", "evaluations", "earning_rule_revisions", "earning_rules"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change_of_published_revision()")


def _create_rules() -> None:
    op.create_table(
        "earning_rules",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("override_policy", sa.String, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint(f"event IN ({_EVENTS})", name=op.f("ck_earning_rules_event")),
        sa.CheckConstraint(
            "override_policy IN ('none', 'exclude', 'override')", name=op.f("ck_earning_rules_override_policy")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_earning_rules"),
    )


def _create_revisions() -> None:
    op.create_table(
        "earning_rule_revisions",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("rule_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("node_id", sa.BigInteger, nullable=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("definition", JSONB, nullable=True),
        sa.Column("starts_at", _INSTANT, nullable=True),
        sa.Column("ends_at", _INSTANT, nullable=True),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("published_by", sa.String, nullable=True),
        sa.Column("published_at", _INSTANT, nullable=True),
        sa.CheckConstraint("number > 0", name=op.f("ck_earning_rule_revisions_number")),
        sa.CheckConstraint(
            "definition IS NOT NULL OR node_id IS NOT NULL", name=op.f("ck_earning_rule_revisions_exclusion")
        ),
        sa.CheckConstraint("ends_at >= starts_at", name=op.f("ck_earning_rule_revisions_ends_at")),
        sa.CheckConstraint(
            "(published_at IS NULL) = (published_by IS NULL) AND (published_at IS NULL OR starts_at IS NOT NULL)",
            name=op.f("ck_earning_rule_revisions_published"),
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["earning_rules.id"], name="fk_earning_rule_revisions_rule_id_earning_rules"
        ),
        sa.ForeignKeyConstraint(["node_id"], ["stores.id"], name="fk_earning_rule_revisions_node_id_stores"),
        sa.PrimaryKeyConstraint("id", name="pk_earning_rule_revisions"),
        sa.UniqueConstraint("rule_id", "number", name="uq_earning_rule_revisions_rule_id_number"),
    )
    op.create_index(
        "uq_earning_rule_revisions_draft",
        "earning_rule_revisions",
        ["rule_id", "node_id"],
        unique=True,
        postgresql_where=sa.text("published_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(
        "ix_earning_rule_revisions_ends_at",
        "earning_rule_revisions",
        ["ends_at"],
        postgresql_where=sa.text("published_at IS NOT NULL"),
    )


def _refuse_changes_of_published_revisions() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_published_revision() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.published_at IS NULL THEN
                RETURN COALESCE(NEW, OLD);
            END IF;
            IF TG_OP = 'UPDATE'
                AND to_jsonb(NEW) - 'ends_at' = to_jsonb(OLD) - 'ends_at'
                AND NEW.ends_at <= COALESCE(OLD.ends_at, 'infinity')
            THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'revision % is published: % is refused', OLD.id, TG_OP
                USING ERRCODE = 'restrict_violation';
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER earning_rule_revisions_stay BEFORE UPDATE OR DELETE ON earning_rule_revisions"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published_revision()"
    )
    op.execute(
        "CREATE TRIGGER earning_rule_revisions_are_kept BEFORE TRUNCATE ON earning_rule_revisions"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _create_evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("event", sa.String, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=True),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("revision_ids", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("room", JSONB, nullable=False),
        sa.Column("awards", JSONB, nullable=False),
        sa.Column("misses", JSONB, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("growth", sa.BigInteger, nullable=False),
        sa.Column("occurred_at", _INSTANT, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint("growth >= 0", name=op.f("ck_evaluations_growth")),
        sa.CheckConstraint("points >= 0", name=op.f("ck_evaluations_points")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_evaluations_member_id_members"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_evaluations_store_id_stores"),
        sa.PrimaryKeyConstraint("member_id", "id", name="pk_evaluations"),
        sa.UniqueConstraint("member_id", "reference", name="uq_evaluations_member_id_reference"),
    )
    op.create_index("ix_evaluations_recorded_at", "evaluations", ["recorded_at"], postgresql_using="brin")
    op.create_table(
        "settlements",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("evaluation_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("is_correction", sa.Boolean, nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("room", JSONB, nullable=False),
        sa.Column("awards", JSONB, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("growth", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.CheckConstraint("growth >= 0", name=op.f("ck_settlements_growth")),
        sa.CheckConstraint("points >= 0", name=op.f("ck_settlements_points")),
        sa.ForeignKeyConstraint(
            ["member_id", "evaluation_id"],
            ["evaluations.member_id", "evaluations.id"],
            name="fk_settlements_evaluation",
        ),
        sa.PrimaryKeyConstraint("member_id", "evaluation_id", "number", name="pk_settlements"),
        sa.UniqueConstraint("member_id", "reference", name="uq_settlements_member_id_reference"),
    )
    # The function came with the ledger.
    for table in ("evaluations", "settlements"):
        op.execute(
            f"CREATE TRIGGER {table}_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
