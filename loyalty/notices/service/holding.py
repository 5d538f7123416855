"""Letting go in the morning what quiet hours or the daily cap held back."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.notices.models import Notice
from loyalty.notices.rules import NoticeState

PAGE = 200


def release_held(session: Session, *, at: datetime) -> int:
    """Ask anew for up to a page of notices whose time has come; return how many."""
    due = (
        select(Notice.id)
        .where(Notice.state == NoticeState.QUEUED, Notice.due_at <= at)
        .order_by(Notice.due_at, Notice.id)
        .limit(PAGE)
        .with_for_update(skip_locked=True, key_share=True)
        .cte("due")  # evaluated once; a plan may run a subquery again, past the page it has just taken
    )
    released = session.scalars(
        update(Notice)
        .where(Notice.id.in_(select(due.c.id)))
        .values(due_at=None)
        .returning(Notice.id)
        .execution_options(synchronize_session=False)
    ).all()
    for notice_id in released:
        outbox.record(session, "notice.requested", {"notice_id": notice_id}, at=at)
    return len(released)
