"""Tables of clerks: the WeChat by which a staff account takes coupons at the till, and the link that binds it."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "staff_bindings",
        sa.Column("staff_id", sa.BigInteger, nullable=False),
        sa.Column("appid", sa.String, nullable=False),
        sa.Column("openid", sa.String, nullable=False),
        sa.Column("bound_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.id"], name="fk_staff_bindings_staff_id_staff_accounts"),
        sa.PrimaryKeyConstraint("staff_id", name="pk_staff_bindings"),
    )
    op.create_index("uq_staff_bindings_appid_openid", "staff_bindings", ["appid", "openid"], unique=True)
    op.create_table(
        "staff_binding_links",
        sa.Column("staff_id", sa.BigInteger, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_accounts.id"], name="fk_staff_binding_links_staff_id_staff_accounts"
        ),
        sa.PrimaryKeyConstraint("staff_id", name="pk_staff_binding_links"),
    )
    op.create_index("uq_staff_binding_links_token_hash", "staff_binding_links", ["token_hash"], unique=True)


def downgrade() -> None:
    for table in ("staff_binding_links", "staff_bindings"):
        op.drop_table(table)
