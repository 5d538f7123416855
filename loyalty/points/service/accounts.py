"""Opening points accounts (积分账户)."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.errors import InvariantBroken
from loyalty.points.models import PointsAccount
from loyalty.points.queries import LockedAccount, lock_account


def open_account(session: Session, *, member_id: int, at: datetime) -> None:
    """Open a member's points account; nothing happens when there is one."""
    session.execute(insert(PointsAccount).values(member_id=member_id, opened_at=at).on_conflict_do_nothing())


def open_and_lock_account(session: Session, *, member_id: int, at: datetime) -> LockedAccount:
    """Hold a member's account until the transaction ends, opening it first where there is none."""
    account = lock_account(session, member_id=member_id)
    if account is None:
        open_account(session, member_id=member_id, at=at)
        account = lock_account(session, member_id=member_id)
    if account is None:
        raise InvariantBroken(f"member {member_id} has no points account")
    return account
