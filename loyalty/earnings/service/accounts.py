"""Holding accounts, and what was posted before."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.earnings import queries
from loyalty.earnings.posting import Posting, lock_accounts
from loyalty.earnings.rules import Balance, EarningsKind

SYSTEM = "system"


def lock(session: Session, *, member_id: int, at: datetime) -> Balance:
    """Hold a member's account until the transaction ends, and return what is in it."""
    return lock_accounts(session, member_ids=[member_id], at=at)[member_id]


def known(session: Session, member_id: int, kind: EarningsKind, reference: str) -> Posting | None:
    """Return what was posted under a reference, as a replay."""
    return queries.find_posting(session, member_id=member_id, kind=kind, reference=reference)
