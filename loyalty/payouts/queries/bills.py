"""The platform's bills and what they say differently."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.payouts.models import BillDay, PayoutDiscrepancy

DAYS_SHOWN_MAX = 31


def list_bill_days(session: Session) -> Sequence[BillDay]:
    """Return the bills that were read, the latest first."""
    return session.scalars(select(BillDay).order_by(BillDay.bill_on.desc()).limit(DAYS_SHOWN_MAX)).all()


def list_discrepancies(session: Session, *, is_open: bool = True, limit: int = 100) -> Sequence[PayoutDiscrepancy]:
    """Return what bills and payouts say differently, the latest first; by default what nobody has settled."""
    query = select(PayoutDiscrepancy).order_by(PayoutDiscrepancy.id.desc()).limit(limit)
    if is_open:
        query = query.where(PayoutDiscrepancy.settled_at.is_(None))
    return session.scalars(query.execution_options(populate_existing=True)).all()
