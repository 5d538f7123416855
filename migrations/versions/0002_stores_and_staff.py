"""Tables of stores and staff."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROLES = "'headquarters_admin', 'marketer', 'finance', 'risk', 'region_manager', 'store_manager', 'clerk', 'auditor'"


def upgrade() -> None:
    _create_stores()
    _create_accounts()
    _create_sessions()


def downgrade() -> None:
    for table in (
        "staff_login_throttles",
        "staff_sessions",
        "staff_scopes",
        "staff_roles",
        "staff_accounts",
        "stores",
    ):
        op.drop_table(table)


def _create_stores() -> None:
    op.create_table(
        "stores",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("parent_id", sa.BigInteger, nullable=True),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=True),
        sa.Column("is_open", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_stores"),
        sa.ForeignKeyConstraint(["parent_id"], ["stores.id"], name="fk_stores_parent_id_stores"),
        sa.CheckConstraint("kind IN ('headquarters', 'region', 'store')", name=op.f("ck_stores_kind")),
        sa.CheckConstraint("(kind = 'headquarters') = (parent_id IS NULL)", name=op.f("ck_stores_parent")),
    )
    op.create_index("uq_stores_code", "stores", ["code"], unique=True)
    op.create_index(
        "uq_stores_headquarters",
        "stores",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("kind = 'headquarters'"),
    )
    op.create_index("ix_stores_parent_id", "stores", ["parent_id"])


def _create_accounts() -> None:
    op.create_table(
        "staff_accounts",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("username", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("password_hash", sa.String, nullable=False),
        sa.Column("is_active", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("must_change_password", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("totp_sealed", sa.LargeBinary, nullable=True),
        sa.Column("totp_confirmed_at", _INSTANT, nullable=True),
        sa.Column("totp_last_step", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("password_changed_at", _INSTANT, nullable=False),
        sa.Column("last_login_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff_accounts"),
        sa.CheckConstraint("username = lower(username)", name=op.f("ck_staff_accounts_username")),
    )
    op.create_index("uq_staff_accounts_username", "staff_accounts", ["username"], unique=True)
    op.create_table(
        "staff_roles",
        sa.Column("staff_id", sa.BigInteger, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", "role", name="pk_staff_roles"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.id"], name="fk_staff_roles_staff_id_staff_accounts"),
        sa.CheckConstraint(f"role IN ({_ROLES})", name=op.f("ck_staff_roles_role")),
    )
    op.create_table(
        "staff_scopes",
        sa.Column("staff_id", sa.BigInteger, nullable=False),
        sa.Column("store_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", "store_id", name="pk_staff_scopes"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.id"], name="fk_staff_scopes_staff_id_staff_accounts"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], name="fk_staff_scopes_store_id_stores"),
    )
    op.create_index("ix_staff_scopes_store_id", "staff_scopes", ["store_id"])


def _create_sessions() -> None:
    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("staff_id", sa.BigInteger, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("awaits_totp", sa.Boolean, nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("seen_at", _INSTANT, nullable=False),
        sa.Column("ip", sa.String, nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff_sessions"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.id"], name="fk_staff_sessions_staff_id_staff_accounts"),
    )
    op.create_index("uq_staff_sessions_token_hash", "staff_sessions", ["token_hash"], unique=True)
    op.create_index(
        "ix_staff_sessions_staff_id",
        "staff_sessions",
        ["staff_id"],
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "staff_login_throttles",
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("window_started_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_staff_login_throttles"),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_staff_login_throttles_tries")),
    )
