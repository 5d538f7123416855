"""Every table, for the migrations and for ``ledger verify``: importing this fills the metadata."""

from loyalty.kernel import audit, idempotency, outbox, runs
from loyalty.kernel.database import Base

__all__ = ["Base", "audit", "idempotency", "outbox", "runs"]
