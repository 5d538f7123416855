"""Tables of payouts. Moves are append-only: a trigger refuses every change, also to the owner."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.payouts.rules.states import FINAL, Destination, PayoutState, ReturnReason
from loyalty.payouts.rules.tax import IncomeKind


def _one_of(values: object) -> str:
    return ", ".join(f"'{value}'" for value in values)  # type: ignore[attr-defined]


class Payout(Base):
    """One row is money on its way to a member (打款), or what became of it.

    Its member, key, number, amounts and frozen parameters never change. What it took from the earnings ledger has
    the reference ``payout:<id>``; after a merge the row stays with the member whose entries those are.
    """

    __tablename__ = "payouts"
    __table_args__ = (
        UniqueConstraint("member_id", "key"),
        UniqueConstraint("out_bill_no"),
        CheckConstraint(f"state IN ({_one_of(PayoutState)})", name="state"),
        CheckConstraint(f"destination IN ({_one_of(Destination)})", name="destination"),
        CheckConstraint(f"income_kind IN ({_one_of(IncomeKind)})", name="income_kind"),
        CheckConstraint(f"return_reason IN ({_one_of(ReturnReason)})", name="return_reason"),
        CheckConstraint("net_fen > 0 AND tax_fen >= 0 AND gross_fen = net_fen + tax_fen", name="amounts"),
        CheckConstraint("(state = 'returned') = (return_reason IS NOT NULL)", name="returned"),
        CheckConstraint(f"(state IN ({_one_of(sorted(FINAL))})) = (settled_at IS NOT NULL)", name="settled_at"),
        CheckConstraint("settled_at IS NULL OR due_at IS NULL", name="due_at"),
        CheckConstraint(
            "(destination = 'points') = (points IS NOT NULL) AND (destination = 'wechat') = (appid IS NOT NULL)",
            name="destination_facts",
        ),
        Index("ix_payouts_due_at", "due_at", "id", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_payouts_member_id", "member_id", "id"),
        Index("ix_payouts_open", "member_id", postgresql_where=text("settled_at IS NULL")),
        Index("ix_payouts_paid_at", "settled_at", "id", postgresql_where=text("state = 'success'")),
        Index("ix_payouts_batch_id", "batch_id", "id", postgresql_where=text("batch_id IS NOT NULL")),
        Index("ix_payouts_contradiction", "id", postgresql_where=text("contradiction IS NOT NULL")),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "anonymise"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    key: Mapped[str]
    """The business key: what the same payout asked for again has in common; each origin has keys of its own."""
    out_bill_no: Mapped[str]
    """The number at WeChat Pay, derived from the member and the key."""
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("payout_batches.id"))
    destination: Mapped[str]
    state: Mapped[str]
    gross_fen: Mapped[int]
    tax_fen: Mapped[int]
    net_fen: Mapped[int]
    income_kind: Mapped[str]
    tax_rate_id: Mapped[int | None] = mapped_column(ForeignKey("tax_rates.id"))
    period: Mapped[str]
    """The month in which it was asked for, as ``2026-03``: its tax was reckoned with that month's income.

    It is declared in the month in which it was paid, which is that of ``settled_at``."""
    points: Mapped[int | None]
    """What was given instead of money."""
    appid: Mapped[str | None]
    frozen_order: Mapped[bytes | None] = mapped_column(LargeBinary)
    """All parameters of the transfer, under the member's own key; the same number always carries the same."""
    step_number: Mapped[int] = mapped_column(server_default=text("0"))
    """Counts the calls that were begun: an answer to an earlier one cannot clear the next create."""
    polls: Mapped[int] = mapped_column(server_default=text("0"))
    is_cleared: Mapped[bool] = mapped_column(server_default=text("false"))
    is_refused: Mapped[bool] = mapped_column(server_default=text("false"))
    """The last create was definitely refused; whether a bill exists is what the next query tells."""
    cancel_wanted_at: Mapped[datetime | None]
    transfer_bill_no: Mapped[str | None]
    package_info: Mapped[str | None] = mapped_column(info={"personal": True})
    """What the member's phone needs to open the confirmation."""
    return_reason: Mapped[str | None]
    fail_reason: Mapped[str | None]
    code: Mapped[str | None]
    """What WeChat Pay last said about it that was not good."""
    contradiction: Mapped[str | None]
    """WeChat Pay says what cannot be true with what we know: people must look at it."""
    due_at: Mapped[datetime | None]
    """When the next step is due; empty while it waits for people, and at the end."""
    sent_at: Mapped[datetime | None]
    """When a create was first begun."""
    offered_at: Mapped[datetime | None]
    """When WeChat Pay first said that it waits for the member: the 24 hours count from here."""
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class PayoutMove(Base):
    """One row is one thing that happened to a payout: a call begun, an answer, a notice, a decision; never changes."""

    __tablename__ = "payout_moves"
    __table_args__ = (Index("ix_payout_moves_payout_id", "payout_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    payout_id: Mapped[int] = mapped_column(ForeignKey("payouts.id"))
    what: Mapped[str]
    """``requested``, ``begun:send``, ``answered:query``, ``noticed`` and the like."""
    state_before: Mapped[str]
    state_after: Mapped[str]
    step_number: Mapped[int]
    outcome: Mapped[str | None]
    code: Mapped[str | None]
    fail_reason: Mapped[str | None]
    actor: Mapped[str]
    moved_at: Mapped[datetime]


class PayoutPause(Base):
    """One row is one time during which nothing is sent: the merchant's account was short, or staff said so."""

    __tablename__ = "payout_pauses"
    __table_args__ = (
        CheckConstraint("(resumed_at IS NULL) = (resumed_by IS NULL)", name="resumed"),
        Index("uq_payout_pauses_open", "is_open", unique=True, postgresql_where=text("is_open")),
        CheckConstraint("is_open = (resumed_at IS NULL)", name="is_open"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    is_open: Mapped[bool] = mapped_column(server_default=text("true"))
    reason: Mapped[str]
    payout_id: Mapped[int | None] = mapped_column(ForeignKey("payouts.id"))
    paused_by: Mapped[str]
    paused_at: Mapped[datetime]
    resumed_by: Mapped[str | None]
    resumed_at: Mapped[datetime | None]
