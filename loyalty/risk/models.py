"""Tables of risk. Devices and addresses are kept as blind indexes only, and forgotten after ``TRACES_KEPT``."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.risk.rules.blocks import BlockKind
from loyalty.risk.rules.subjects import DecisionState, Occasion, Verdict

TRACES_KEPT = timedelta(days=90)
_OCCASIONS = ", ".join(f"'{occasion}'" for occasion in Occasion)
_VERDICTS = ", ".join(f"'{verdict}'" for verdict in Verdict)
_STATES = ", ".join(f"'{state}'" for state in DecisionState)
_KINDS = ", ".join(f"'{kind}'" for kind in BlockKind)


class RiskRuleSet(Base):
    """One row is a revision of all risk rules (风控规则) in their order; the latest holds. Never changes."""

    __tablename__ = "risk_rule_sets"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    rules: Mapped[list[Any]] = mapped_column(JSONB)
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]


class Sighting(Base):
    """One row is somebody seen doing something somewhere; whose it is may be learned later, nothing else changes."""

    __tablename__ = "risk_sightings"
    __table_args__ = (
        CheckConstraint(f"occasion IN ({_OCCASIONS})", name="occasion"),
        CheckConstraint("member_id IS NOT NULL OR identity_id IS NOT NULL", name="somebody"),
        Index("ix_risk_sightings_member_id", "member_id", "seen_at"),
        Index("ix_risk_sightings_identity_id", "identity_id"),
        Index("ix_risk_sightings_device_index", "device_index", "seen_at"),
        Index("ix_risk_sightings_ip_index", "ip_index", "seen_at"),
        Index("ix_risk_sightings_phone_index", "phone_index"),
        Index("ix_risk_sightings_seen_at", "seen_at", postgresql_using="brin"),
        {"info": {"member_data": {"merge": "move", "export": True, "erase": "delete"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    occasion: Mapped[str]
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    identity_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("identities.id"))
    device_index: Mapped[bytes | None] = mapped_column(info={"personal": True})
    ip_index: Mapped[bytes | None] = mapped_column(info={"personal": True})
    phone_index: Mapped[bytes | None] = mapped_column(info={"personal": True})
    wechat_rank: Mapped[int | None]
    """As ``rules.signals.RANKS``; empty where WeChat was not asked."""
    seen_at: Mapped[datetime]


class RiskDecision(Base):
    """One row is what the rules said to one gain (风控决定), once by its reference; only its state changes."""

    __tablename__ = "risk_decisions"
    __table_args__ = (
        UniqueConstraint("occasion", "reference"),
        CheckConstraint(f"occasion IN ({_OCCASIONS})", name="occasion"),
        CheckConstraint(f"verdict IN ({_VERDICTS})", name="verdict"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("(decided_at IS NULL) = (state IN ('allowed', 'waiting', 'denied'))", name="decided_at"),
        CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name="decided_by"),
        Index("ix_risk_decisions_waiting", "id", postgresql_where=text("state = 'waiting'")),
        Index("ix_risk_decisions_member_id", "member_id"),
        {"info": {"member_data": {"merge": "move", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    occasion: Mapped[str]
    reference: Mapped[str]
    """What is to be gained, as ``referral:5``."""
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    verdict: Mapped[str]
    rule_name: Mapped[str | None]
    sentence: Mapped[str]
    evidence: Mapped[Json]
    """The numbers that were compared, by their names; empty is what WeChat was asked for and did not answer."""
    rule_set_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(RiskRuleSet.id))
    """Empty while the default rules hold."""
    state: Mapped[str]
    assessed_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class Block(Base):
    """One row is somebody or something on the blocklist (黑名单), until it expires or is lifted."""

    __tablename__ = "risk_blocks"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
        CheckConstraint("(kind = 'member') = (member_id IS NOT NULL)", name="member_id"),
        CheckConstraint("(kind = 'member') = (value_index IS NULL)", name="value_index"),
        CheckConstraint("kind = 'member' OR expires_at IS NOT NULL", name="expires_at"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted"),
        Index("ix_risk_blocks_member_id", "member_id", postgresql_where=text("lifted_at IS NULL")),
        Index("ix_risk_blocks_value_index", "value_index", postgresql_where=text("lifted_at IS NULL")),
        {"info": {"member_data": {"merge": "move", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    value_index: Mapped[bytes | None]
    reason: Mapped[str]
    blocked_by: Mapped[str]
    blocked_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None]
