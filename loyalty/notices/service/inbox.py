"""The inbox (站内消息): the last channel, which always exists."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.notices.models import InboxMessage
from loyalty.notices.rules import InboxMessageNotFound


def mark_read(session: Session, *, member_id: int, message_id: int, at: datetime) -> None:
    """Note that a member has read a message; a second time changes nothing.

    Raises:
        InboxMessageNotFound: the member has no such message.
    """
    message = session.get(InboxMessage, message_id)
    if message is None or message.member_id != member_id:
        raise InboxMessageNotFound(message_id=message_id)
    if message.read_at is None:
        message.read_at = at
        session.flush()


def mark_all_read(session: Session, *, member_id: int, at: datetime) -> int:
    """Note that a member has read everything; return how many messages were new."""
    read = session.execute(
        update(InboxMessage)
        .where(InboxMessage.member_id == member_id, InboxMessage.read_at.is_(None))
        .values(read_at=at)
        .returning(InboxMessage.id)
    )
    return len(read.all())
