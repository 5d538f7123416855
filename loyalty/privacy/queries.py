"""Reads of privacy."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.privacy.models import Closure


def find_closing(session: Session, *, member_id: int) -> Closure | None:
    """Return the wish to close a member's account that still waits; doors show when it is due."""
    return session.scalar(
        select(Closure)
        .where(Closure.member_id == member_id, Closure.taken_back_at.is_(None), Closure.erased_at.is_(None))
        .execution_options(populate_existing=True)
    )
