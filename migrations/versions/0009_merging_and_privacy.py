"""Tables of merging and privacy: wishes to close an account."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_WAITING = sa.text("taken_back_at IS NULL AND erased_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "closures",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("taken_back_at", _INSTANT, nullable=True),
        sa.Column("erased_at", _INSTANT, nullable=True),
        sa.CheckConstraint("taken_back_at IS NULL OR erased_at IS NULL", name=op.f("ck_closures_one_end")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name="fk_closures_member_id_members"),
        sa.PrimaryKeyConstraint("id", name="pk_closures"),
    )
    op.create_index("ix_closures_due_at", "closures", ["due_at"], postgresql_where=_WAITING)
    op.create_index("uq_closures_member_id", "closures", ["member_id"], unique=True, postgresql_where=_WAITING)


def downgrade() -> None:
    op.drop_table("closures")
