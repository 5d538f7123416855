"""Tables of limits."""

from datetime import date

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base


class LimitCounter(Base):
    """One row is what has been taken of a limit, or of one bucket of it.

    No foreign keys: a counter is locked last in a transaction, and must lock nothing else. Rows of periods that are
    long over may be deleted; nobody counts on them any more.
    """

    __tablename__ = "limit_counters"
    __table_args__ = (
        CheckConstraint("used >= 0 AND used <= share", name="used"),
        Index("ix_limit_counters_last_on", "last_on", postgresql_using="brin"),
        # Room on the page, so that counting needs no new index entries.
        {"postgresql_with": {"fillfactor": 50}},
    )

    subject: Mapped[str] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 0; whoever waits for more than one bucket of a limit waits for bucket 0 first."""
    used: Mapped[int]
    share: Mapped[int]
    """The most that this bucket may hold."""
    ceiling: Mapped[int | None]
    """The ceiling that the shares of all buckets add up to; empty when more than the ceiling is in use, which happens
    when it is lowered: then no bucket has room, and what is given back does not make room."""
    last_on: Mapped[date | None]
    """The last business date of the period; empty for one that never ends."""
