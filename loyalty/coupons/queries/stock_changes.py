"""Stock changes (库存调整记录): who set the stock of a template to what, and why, as the audit log keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.coupons.rules.limiting import STOCK_CHANGED, subject_of
from loyalty.kernel import audit
from loyalty.kernel.audit import AuditEntry


@dataclass(frozen=True, slots=True)
class StockChange:
    """One change; no stock is an unlimited one."""

    before: int | None
    after: int | None
    reason: str
    actor: str
    changed_at: datetime


def list_stock_changes(session: Session, *, template_id: int, limit: int = 20) -> Sequence[StockChange]:
    """Return the latest changes of a template's stock, newest first."""
    entries = audit.list_entries(session, subject=subject_of(template_id), action=STOCK_CHANGED, limit=limit)
    return [_change(entry) for entry in entries]


def _change(entry: AuditEntry) -> StockChange:
    assert entry.before is not None, "a change says what was before"
    assert entry.after is not None, "a change says what is since"
    before, after = entry.before["stock"], entry.after["stock"]
    return StockChange(before, after, entry.after.get("reason", ""), entry.actor, entry.recorded_at)
