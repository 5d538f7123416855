"""Tables of risk: rules as data, sightings, decisions with their evidence, the blocklist."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_OCCASIONS = "occasion IN ('enrolment', 'opening', 'referral', 'mission', 'withdrawal')"


def upgrade() -> None:
    _create_rule_sets()
    _create_sightings()
    _create_decisions()
    _create_blocks()


def downgrade() -> None:
    for table in ("risk_blocks", "risk_decisions", "risk_sightings", "risk_rule_sets"):
        op.drop_table(table)


def _create_rule_sets() -> None:
    op.create_table(
        "risk_rule_sets",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("rules", JSONB, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_risk_rule_sets"),
    )
    op.execute(
        "CREATE TRIGGER risk_rule_sets_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON risk_rule_sets"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _create_sightings() -> None:
    op.create_table(
        "risk_sightings",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("occasion", sa.String, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=True),
        sa.Column("identity_id", sa.BigInteger, nullable=True),
        sa.Column("device_index", sa.LargeBinary, nullable=True),
        sa.Column("ip_index", sa.LargeBinary, nullable=True),
        sa.Column("phone_index", sa.LargeBinary, nullable=True),
        sa.Column("wechat_rank", sa.BigInteger, nullable=True),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.CheckConstraint(_OCCASIONS, name=op.f("ck_risk_sightings_occasion")),
        sa.CheckConstraint("member_id IS NOT NULL OR identity_id IS NOT NULL", name=op.f("ck_risk_sightings_somebody")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_risk_sightings_member_id_members"),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name="fk_risk_sightings_identity_id_identities"),
        sa.PrimaryKeyConstraint("id", name="pk_risk_sightings"),
    )
    for column in ("member_id", "device_index", "ip_index"):
        op.create_index(f"ix_risk_sightings_{column}", "risk_sightings", [column, "seen_at"])
    for column in ("identity_id", "phone_index"):
        op.create_index(f"ix_risk_sightings_{column}", "risk_sightings", [column])
    op.create_index("ix_risk_sightings_seen_at", "risk_sightings", ["seen_at"], postgresql_using="brin")


def _create_decisions() -> None:
    op.create_table(
        "risk_decisions",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("occasion", sa.String, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=True),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("rule_name", sa.String, nullable=True),
        sa.Column("sentence", sa.String, nullable=False),
        sa.Column("evidence", JSONB, nullable=False),
        sa.Column("rule_set_id", sa.BigInteger, nullable=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("assessed_at", _INSTANT, nullable=False),
        sa.Column("decided_by", sa.String, nullable=True),
        sa.Column("decided_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (state IN ('allowed', 'waiting', 'denied'))",
            name=op.f("ck_risk_decisions_decided_at"),
        ),
        sa.CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name=op.f("ck_risk_decisions_decided_by")),
        sa.CheckConstraint(_OCCASIONS, name=op.f("ck_risk_decisions_occasion")),
        sa.CheckConstraint(
            "state IN ('allowed', 'waiting', 'denied', 'released', 'reversed')",
            name=op.f("ck_risk_decisions_state"),
        ),
        sa.CheckConstraint("verdict IN ('allow', 'review', 'deny')", name=op.f("ck_risk_decisions_verdict")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_risk_decisions_member_id_members"),
        sa.ForeignKeyConstraint(
            ["rule_set_id"], ["risk_rule_sets.id"], name="fk_risk_decisions_rule_set_id_risk_rule_sets"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_risk_decisions"),
        sa.UniqueConstraint("occasion", "reference", name="uq_risk_decisions_occasion_reference"),
    )
    op.create_index(
        "ix_risk_decisions_waiting", "risk_decisions", ["id"], postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index("ix_risk_decisions_member_id", "risk_decisions", ["member_id"])


def _create_blocks() -> None:
    op.create_table(
        "risk_blocks",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=True),
        sa.Column("value_index", sa.LargeBinary, nullable=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("blocked_by", sa.String, nullable=False),
        sa.Column("blocked_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.Column("lifted_by", sa.String, nullable=True),
        sa.Column("lifted_at", _INSTANT, nullable=True),
        sa.CheckConstraint("kind = 'member' OR expires_at IS NOT NULL", name=op.f("ck_risk_blocks_expires_at")),
        sa.CheckConstraint("kind IN ('member', 'phone', 'device', 'ip')", name=op.f("ck_risk_blocks_kind")),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_risk_blocks_lifted")),
        sa.CheckConstraint("(kind = 'member') = (member_id IS NOT NULL)", name=op.f("ck_risk_blocks_member_id")),
        sa.CheckConstraint("(kind = 'member') = (value_index IS NULL)", name=op.f("ck_risk_blocks_value_index")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_risk_blocks_member_id_members"),
        sa.PrimaryKeyConstraint("id", name="pk_risk_blocks"),
    )
    for column in ("member_id", "value_index"):
        op.create_index(
            f"ix_risk_blocks_{column}", "risk_blocks", [column], postgresql_where=sa.text("lifted_at IS NULL")
        )
