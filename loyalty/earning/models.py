"""Tables of earning. What a published revision pays never changes, and what was evaluated is kept for ever with its
inputs, so that it can be explained and undone.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.earning.rules.facts import EarningEvent
from loyalty.earning.rules.lifecycle import OverridePolicy
from loyalty.kernel.database import Base, Json

_EVENTS = ", ".join(f"'{event}'" for event in EarningEvent)
_POLICIES = ", ".join(f"'{policy}'" for policy in OverridePolicy)


class EarningRule(Base):
    """One row is an earning rule (积分规则); its event never changes, what it says stands in its revisions."""

    __tablename__ = "earning_rules"
    __table_args__ = (
        CheckConstraint(f"event IN ({_EVENTS})", name="event"),
        CheckConstraint(f"override_policy IN ({_POLICIES})", name="override_policy"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str]
    override_policy: Mapped[str]
    """What headquarters lets stores and regions change."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class EarningRuleRevision(Base):
    """One row is a revision (规则版本): a draft until it is published; from then on only its end may come sooner."""

    __tablename__ = "earning_rule_revisions"
    __table_args__ = (
        UniqueConstraint("rule_id", "number"),
        Index(
            "uq_earning_rule_revisions_draft",
            "rule_id",
            "node_id",
            unique=True,
            postgresql_where=text("published_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_earning_rule_revisions_ends_at", "ends_at", postgresql_where=text("published_at IS NOT NULL")),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("definition IS NOT NULL OR node_id IS NOT NULL", name="exclusion"),
        CheckConstraint("ends_at >= starts_at", name="ends_at"),
        CheckConstraint(
            "(published_at IS NULL) = (published_by IS NULL) AND (published_at IS NULL OR starts_at IS NOT NULL)",
            name="published",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("earning_rules.id"))
    number: Mapped[int]
    node_id: Mapped[int | None] = mapped_column(ForeignKey("stores.id"))
    """The store or region whose override it is; empty for the default of headquarters."""
    name: Mapped[str]
    definition: Mapped[Json | None] = mapped_column(JSONB(none_as_null=True))
    """Empty where the store or region does not take part."""
    starts_at: Mapped[datetime | None]
    """Of a draft, when it wants to start; at once when empty."""
    ends_at: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]


class StoredEvaluation(Base):
    """One row is one event that was evaluated (评估), with everything its result was reckoned from; never changes.

    Whoever evaluates ``facts`` again by the revisions named, within ``room``, gets ``awards`` again.
    """

    __tablename__ = "evaluations"
    __table_args__ = (
        UniqueConstraint("member_id", "reference"),
        CheckConstraint("points >= 0", name="points"),
        CheckConstraint("growth >= 0", name="growth"),
        # Rows arrive in the order of time: a few pages of summary find a day among millions.
        Index("ix_evaluations_recorded_at", "recorded_at", postgresql_using="brin"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    reference: Mapped[str]
    """What was evaluated, as ``source:key``; the entries that paid it have the same reference, counted from :2 on."""
    event: Mapped[str]
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    facts: Mapped[Json]
    revision_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """All revisions that were in force, whether they paid or not."""
    room: Mapped[list[Any]] = mapped_column(JSONB)
    """What was left of the limits that cut an award: revision, name of the limit, points."""
    awards: Mapped[list[Any]] = mapped_column(JSONB)
    misses: Mapped[list[Any]] = mapped_column(JSONB)
    points: Mapped[int]
    growth: Mapped[int]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Settlement(Base):
    """One row is what a refund or a correction left of an evaluation (结算); the last one stands. Never changes."""

    __tablename__ = "settlements"
    __table_args__ = (
        UniqueConstraint("member_id", "reference"),
        ForeignKeyConstraint(
            ["member_id", "evaluation_id"],
            ["evaluations.member_id", "evaluations.id"],
            name="fk_settlements_evaluation",
        ),
        CheckConstraint("points >= 0", name="points"),
        CheckConstraint("growth >= 0", name="growth"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Counts from 1 for each evaluation."""
    reference: Mapped[str]
    """What caused it: ``refund:5``, or ``correction:12:2`` for the second version of an order."""
    is_correction: Mapped[bool]
    lines: Mapped[list[Any]] = mapped_column(JSONB)
    """The lines that were left."""
    room: Mapped[list[Any]] = mapped_column(JSONB)
    awards: Mapped[list[Any]] = mapped_column(JSONB)
    """What the paying revisions pay for the lines that are left."""
    points: Mapped[int]
    growth: Mapped[int]
    recorded_at: Mapped[datetime]
