"""Money owed to members and its payouts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_APPEND_ONLY = ("earnings_entries", "payout_moves", "payout_bill_lines")
_ENTRY_IDS = sa.Sequence("earnings_entry_ids", data_type=sa.BigInteger)
_STATES = (
    "'awaiting_approval', 'new', 'sending', 'unknown', 'accepted', 'waiting_confirm', 'transferring', 'cancelling',"
    " 'success', 'returned'"
)
_CHANGES = (
    "CASE kind"
    " WHEN 'accrue' THEN pending_change = amount_fen AND available_change = 0 AND owed_change = 0"
    " WHEN 'approve' THEN pending_change = -amount_fen AND available_change - owed_change = amount_fen"
    " AND available_change >= 0 AND owed_change <= 0"
    " WHEN 'reverse' THEN (pending_change = -amount_fen AND available_change = 0"
    " AND owed_change = 0) OR (pending_change = 0 AND owed_change - available_change = amount_fen"
    " AND available_change <= 0 AND owed_change >= 0)"
    " WHEN 'withdraw' THEN pending_change = 0 AND available_change = -amount_fen AND owed_change = 0"
    " WHEN 'withhold' THEN pending_change = 0 AND available_change = -amount_fen AND owed_change = 0"
    " WHEN 'return' THEN pending_change = 0 AND available_change - owed_change = amount_fen"
    " AND available_change >= 0 AND owed_change <= 0"
    " WHEN 'forfeit' THEN pending_change <= 0 AND available_change <= 0 AND owed_change = 0"
    " AND pending_change + available_change = -amount_fen"
    " ELSE abs(pending_change + available_change - owed_change) = amount_fen"
    " END"
)


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(_ENTRY_IDS))
    _create_earnings_accounts()
    _create_earnings_entries()
    _create_tax_rates()
    _create_payout_programmes()
    _create_payout_scenes()
    _create_payout_batches()
    _create_payouts()
    _create_payout_moves()
    _create_payout_pauses()
    _create_payees()
    _create_payout_batch_members()
    _create_payout_batch_misses()
    _create_payout_bill_days()
    _create_payout_bill_lines()
    _create_payout_discrepancies()
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    _let_approvals_be_of("adjustment_batch", "partner_key", "coupon_issue", "payout", "payout_batch")
    _let_purposes_be("service_terms", "privacy", "marketing", "payee_identity")


def downgrade() -> None:
    for table in ("consents", "privacy_texts"):
        op.execute(f"DELETE FROM {table} WHERE purpose = 'payee_identity'")  # noqa: S608 - fixed names
    _let_purposes_be("service_terms", "privacy", "marketing")
    op.execute("DELETE FROM approvals WHERE kind IN ('payout', 'payout_batch')")
    _let_approvals_be_of("adjustment_batch", "partner_key", "coupon_issue")
    for table in (
        "payout_discrepancies",
        "payout_bill_lines",
        "payout_bill_days",
        "payout_batch_misses",
        "payout_batch_members",
        "payees",
        "payout_pauses",
        "payout_moves",
        "payouts",
        "payout_batches",
        "payout_scenes",
        "payout_programmes",
        "tax_rates",
        "earnings_entries",
        "earnings_accounts",
    ):
        op.drop_table(table)
    op.execute(sa.schema.DropSequence(_ENTRY_IDS))


def _create_earnings_accounts() -> None:
    op.create_table(
        "earnings_accounts",
        sa.Column("member_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("pending_fen", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("available_fen", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("owed_fen", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("last_sequence", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("chain_head", sa.LargeBinary, server_default=sa.text("''::bytea"), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.CheckConstraint("available_fen = 0 OR owed_fen = 0", name=op.f("ck_earnings_accounts_owed_is_paid_first")),
        sa.CheckConstraint("available_fen >= 0", name=op.f("ck_earnings_accounts_available_fen")),
        sa.CheckConstraint("owed_fen >= 0", name=op.f("ck_earnings_accounts_owed_fen")),
        sa.CheckConstraint("pending_fen >= 0", name=op.f("ck_earnings_accounts_pending_fen")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_earnings_accounts_member_id_members")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_earnings_accounts")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_earnings_accounts_available",
        "earnings_accounts",
        ["member_id"],
        postgresql_where=sa.text("available_fen > 0"),
    )


def _create_earnings_entries() -> None:
    op.create_table(
        "earnings_entries",
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("pending_change", sa.BigInteger, nullable=False),
        sa.Column("available_change", sa.BigInteger, nullable=False),
        sa.Column("owed_change", sa.BigInteger, nullable=False),
        sa.Column("pending_after", sa.BigInteger, nullable=False),
        sa.Column("available_after", sa.BigInteger, nullable=False),
        sa.Column("owed_after", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("accrual_reference", sa.String, nullable=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("explanation", JSONB, nullable=False),
        sa.Column("occurred_at", _INSTANT, nullable=False),
        sa.Column("recorded_at", _INSTANT, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.CheckConstraint(
            "(kind = 'reverse') = (accrual_reference IS NOT NULL)", name=op.f("ck_earnings_entries_accrual_reference")
        ),
        sa.CheckConstraint(_CHANGES, name=op.f("ck_earnings_entries_changes")),
        sa.CheckConstraint("amount_fen > 0 OR kind = 'transfer'", name=op.f("ck_earnings_entries_amount_fen")),
        sa.CheckConstraint(
            "kind IN ('accrue', 'approve', 'reverse', 'withdraw', 'withhold', 'return', 'transfer', 'forfeit')",
            name=op.f("ck_earnings_entries_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["earnings_accounts.member_id"], name=op.f("fk_earnings_entries_member_id_earnings_accounts")
        ),
        sa.PrimaryKeyConstraint("member_id", "id", name=op.f("pk_earnings_entries")),
        sa.UniqueConstraint(
            "member_id", "kind", "reference", name=op.f("uq_earnings_entries_member_id_kind_reference")
        ),
        sa.UniqueConstraint("member_id", "sequence", name=op.f("uq_earnings_entries_member_id_sequence")),
    )
    op.create_index(
        "ix_earnings_entries_accrual",
        "earnings_entries",
        ["member_id", "accrual_reference"],
        postgresql_where=sa.text("accrual_reference IS NOT NULL"),
    )
    op.create_index("ix_earnings_entries_recorded_at", "earnings_entries", ["recorded_at"], postgresql_using="brin")


def _create_tax_rates() -> None:
    op.create_table(
        "tax_rates",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("income_kind", sa.String, nullable=False),
        sa.Column("live_from_on", sa.Date, nullable=False),
        sa.Column("table", JSONB, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.CheckConstraint("income_kind IN ('labour', 'occasional')", name=op.f("ck_tax_rates_income_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_rates")),
    )
    op.create_index("ix_tax_rates_live_from_on", "tax_rates", ["income_kind", "live_from_on", "id"])


def _create_payout_programmes() -> None:
    op.create_table(
        "payout_programmes",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("minimum_fen", sa.BigInteger, nullable=False),
        sa.Column("member_day_fen", sa.BigInteger, nullable=False),
        sa.Column("day_fen", sa.BigInteger, nullable=False),
        sa.Column("approval_above_fen", sa.BigInteger, nullable=False),
        sa.Column("points_per_yuan", sa.BigInteger, nullable=True),
        sa.Column("batch_day", sa.BigInteger, nullable=True),
        sa.Column("income_kind", sa.String, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.CheckConstraint("income_kind IN ('labour', 'occasional')", name=op.f("ck_payout_programmes_income_kind")),
        sa.CheckConstraint("approval_above_fen >= 0", name=op.f("ck_payout_programmes_approval_above_fen")),
        sa.CheckConstraint("batch_day BETWEEN 1 AND 28", name=op.f("ck_payout_programmes_batch_day")),
        sa.CheckConstraint(
            "member_day_fen >= minimum_fen AND day_fen >= member_day_fen", name=op.f("ck_payout_programmes_day_fen")
        ),
        sa.CheckConstraint("minimum_fen >= 10", name=op.f("ck_payout_programmes_minimum_fen")),
        sa.CheckConstraint("points_per_yuan > 0", name=op.f("ck_payout_programmes_points_per_yuan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_programmes")),
    )


def _create_payout_scenes() -> None:
    op.create_table(
        "payout_scenes",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("scene_id", sa.String, nullable=False),
        sa.Column("remark", sa.String, nullable=False),
        sa.Column("perception", sa.String, nullable=True),
        sa.Column("report", JSONB, nullable=False),
        sa.Column("saved_by", sa.String, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_scenes")),
    )


def _create_payout_batches() -> None:
    op.create_table(
        "payout_batches",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("business_on", sa.Date, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("minimum_fen", sa.BigInteger, nullable=False),
        sa.Column("members_count", sa.BigInteger, nullable=False),
        sa.Column("total_fen", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('awaiting_approval', 'running', 'refused')", name=op.f("ck_payout_batches_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_batches")),
        sa.UniqueConstraint("business_on", name=op.f("uq_payout_batches_business_on")),
    )


def _create_payouts() -> None:
    op.create_table(
        "payouts",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("out_bill_no", sa.String, nullable=False),
        sa.Column("batch_id", sa.BigInteger, nullable=True),
        sa.Column("destination", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("gross_fen", sa.BigInteger, nullable=False),
        sa.Column("tax_fen", sa.BigInteger, nullable=False),
        sa.Column("net_fen", sa.BigInteger, nullable=False),
        sa.Column("income_kind", sa.String, nullable=False),
        sa.Column("tax_rate_id", sa.BigInteger, nullable=True),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=True),
        sa.Column("appid", sa.String, nullable=True),
        sa.Column("frozen_order", sa.LargeBinary, nullable=True),
        sa.Column("step_number", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("polls", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.Column("is_cleared", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("is_refused", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("cancel_wanted_at", _INSTANT, nullable=True),
        sa.Column("transfer_bill_no", sa.String, nullable=True),
        sa.Column("package_info", sa.String, nullable=True),
        sa.Column("return_reason", sa.String, nullable=True),
        sa.Column("fail_reason", sa.String, nullable=True),
        sa.Column("code", sa.String, nullable=True),
        sa.Column("contradiction", sa.String, nullable=True),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("sent_at", _INSTANT, nullable=True),
        sa.Column("offered_at", _INSTANT, nullable=True),
        sa.Column("requested_by", sa.String, nullable=False),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("settled_at", _INSTANT, nullable=True),
        sa.CheckConstraint(
            "(destination = 'points') = (points IS NOT NULL) AND (destination = 'wechat') = (appid IS NOT NULL)",
            name=op.f("ck_payouts_destination_facts"),
        ),
        sa.CheckConstraint("(state = 'returned') = (return_reason IS NOT NULL)", name=op.f("ck_payouts_returned")),
        sa.CheckConstraint(
            "(state IN ('returned', 'success')) = (settled_at IS NOT NULL)", name=op.f("ck_payouts_settled_at")
        ),
        sa.CheckConstraint("destination IN ('wechat', 'points')", name=op.f("ck_payouts_destination")),
        sa.CheckConstraint("income_kind IN ('labour', 'occasional')", name=op.f("ck_payouts_income_kind")),
        sa.CheckConstraint(
            "return_reason IN ('failed', 'cancelled', 'overdue', 'refused', 'rejected')",
            name=op.f("ck_payouts_return_reason"),
        ),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_payouts_state")),
        sa.CheckConstraint(
            "net_fen > 0 AND tax_fen >= 0 AND gross_fen = net_fen + tax_fen", name=op.f("ck_payouts_amounts")
        ),
        sa.CheckConstraint("settled_at IS NULL OR due_at IS NULL", name=op.f("ck_payouts_due_at")),
        sa.ForeignKeyConstraint(["batch_id"], ["payout_batches.id"], name=op.f("fk_payouts_batch_id_payout_batches")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_payouts_member_id_members")),
        sa.ForeignKeyConstraint(["tax_rate_id"], ["tax_rates.id"], name=op.f("fk_payouts_tax_rate_id_tax_rates")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint("member_id", "key", name=op.f("uq_payouts_member_id_key")),
        sa.UniqueConstraint("out_bill_no", name=op.f("uq_payouts_out_bill_no")),
    )
    op.create_index(
        "ix_payouts_batch_id", "payouts", ["batch_id", "id"], postgresql_where=sa.text("batch_id IS NOT NULL")
    )
    op.create_index(
        "ix_payouts_contradiction", "payouts", ["id"], postgresql_where=sa.text("contradiction IS NOT NULL")
    )
    op.create_index("ix_payouts_due_at", "payouts", ["due_at", "id"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("ix_payouts_member_id", "payouts", ["member_id", "id"])
    op.create_index("ix_payouts_open", "payouts", ["member_id"], postgresql_where=sa.text("settled_at IS NULL"))
    op.create_index("ix_payouts_period", "payouts", ["period", "id"])


def _create_payout_moves() -> None:
    op.create_table(
        "payout_moves",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("payout_id", sa.BigInteger, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("state_before", sa.String, nullable=False),
        sa.Column("state_after", sa.String, nullable=False),
        sa.Column("step_number", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String, nullable=True),
        sa.Column("code", sa.String, nullable=True),
        sa.Column("fail_reason", sa.String, nullable=True),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("moved_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_moves_payout_id_payouts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_moves")),
    )
    op.create_index("ix_payout_moves_payout_id", "payout_moves", ["payout_id", "id"])


def _create_payout_pauses() -> None:
    op.create_table(
        "payout_pauses",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("is_open", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("payout_id", sa.BigInteger, nullable=True),
        sa.Column("paused_by", sa.String, nullable=False),
        sa.Column("paused_at", _INSTANT, nullable=False),
        sa.Column("resumed_by", sa.String, nullable=True),
        sa.Column("resumed_at", _INSTANT, nullable=True),
        sa.CheckConstraint("(resumed_at IS NULL) = (resumed_by IS NULL)", name=op.f("ck_payout_pauses_resumed")),
        sa.CheckConstraint("is_open = (resumed_at IS NULL)", name=op.f("ck_payout_pauses_is_open")),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_pauses_payout_id_payouts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_pauses")),
    )
    op.create_index(
        "uq_payout_pauses_open", "payout_pauses", ["is_open"], unique=True, postgresql_where=sa.text("is_open")
    )


def _create_payees() -> None:
    op.create_table(
        "payees",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("name_sealed", sa.LargeBinary, nullable=False),
        sa.Column("id_number_sealed", sa.LargeBinary, nullable=False),
        sa.Column("saved_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_payees_member_id_members")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payees")),
        sa.UniqueConstraint("member_id", name=op.f("uq_payees_member_id")),
    )


def _create_payout_batch_members() -> None:
    op.create_table(
        "payout_batch_members",
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payout_batch_members_amount_fen")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["payout_batches.id"], name=op.f("fk_payout_batch_members_batch_id_payout_batches")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_payout_batch_members_member_id_members")),
        sa.PrimaryKeyConstraint("batch_id", "member_id", name=op.f("pk_payout_batch_members")),
    )


def _create_payout_batch_misses() -> None:
    op.create_table(
        "payout_batch_misses",
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["payout_batches.id"], name=op.f("fk_payout_batch_misses_batch_id_payout_batches")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_payout_batch_misses_member_id_members")),
        sa.PrimaryKeyConstraint("batch_id", "member_id", name=op.f("pk_payout_batch_misses")),
    )


def _create_payout_bill_days() -> None:
    op.create_table(
        "payout_bill_days",
        sa.Column("bill_on", sa.Date, nullable=False),
        sa.Column("lines_count", sa.BigInteger, nullable=False),
        sa.Column("paid_fen", sa.BigInteger, nullable=False),
        sa.Column("returned_fen", sa.BigInteger, nullable=False),
        sa.Column("read_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("bill_on", name=op.f("pk_payout_bill_days")),
    )


def _create_payout_bill_lines() -> None:
    op.create_table(
        "payout_bill_lines",
        sa.Column("bill_on", sa.Date, nullable=False),
        sa.Column("position", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("out_bill_no", sa.String, nullable=False),
        sa.Column("transfer_bill_no", sa.String, nullable=False),
        sa.Column("amount_fen", sa.BigInteger, nullable=False),
        sa.Column("is_return", sa.Boolean, nullable=False),
        sa.Column("booked_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["bill_on"], ["payout_bill_days.bill_on"], name=op.f("fk_payout_bill_lines_bill_on_payout_bill_days")
        ),
        sa.PrimaryKeyConstraint("bill_on", "position", name=op.f("pk_payout_bill_lines")),
    )
    op.create_index("ix_payout_bill_lines_out_bill_no", "payout_bill_lines", ["out_bill_no"])


def _create_payout_discrepancies() -> None:
    op.create_table(
        "payout_discrepancies",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("out_bill_no", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("payout_id", sa.BigInteger, nullable=True),
        sa.Column("bill_fen", sa.BigInteger, nullable=True),
        sa.Column("our_fen", sa.BigInteger, nullable=True),
        sa.Column("found_on", sa.Date, nullable=False),
        sa.Column("found_at", _INSTANT, nullable=False),
        sa.Column("settled_by", sa.String, nullable=True),
        sa.Column("settled_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["payout_id"], ["payouts.id"], name=op.f("fk_payout_discrepancies_payout_id_payouts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_discrepancies")),
        sa.UniqueConstraint("out_bill_no", "reason", name=op.f("uq_payout_discrepancies_out_bill_no_reason")),
    )


def _let_approvals_be_of(*kinds: str) -> None:
    named = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_approvals_kind"), "approvals")
    op.create_check_constraint(op.f("ck_approvals_kind"), "approvals", f"kind IN ({named})")


def _let_purposes_be(*purposes: str) -> None:
    named = ", ".join(f"'{purpose}'" for purpose in purposes)
    for table in ("consents", "privacy_texts"):
        op.drop_constraint(op.f(f"ck_{table}_purpose"), table)
        op.create_check_constraint(op.f(f"ck_{table}_purpose"), table, f"purpose IN ({named})")
