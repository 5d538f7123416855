"""What members say: a tap on a message, and that they want no more of them (退订)."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Broadcast, Recipient
from loyalty.broadcasts.rules.errors import ClickUnknown
from loyalty.broadcasts.rules.links import token_of
from loyalty.members.service import set_notice_wanted
from loyalty.notices.rules import NoticeKind


def note_click(session: Session, *, token: str, at: datetime) -> str | None:
    """Note that a member opened a message, the first time; return the path of ours it leads to, if any.

    Raises:
        ClickUnknown: the token is of no message of ours.
    """
    known = token_of(token)
    clicked = (
        known
        and session.execute(
            update(Recipient)
            .where(Recipient.token == known)
            .values(clicked_at=func.coalesce(Recipient.clicked_at, at))
            .returning(Recipient.broadcast_id)
            .execution_options(synchronize_session=False)
        ).scalar()
    )
    if clicked is None:
        raise ClickUnknown
    return session.scalar(select(Broadcast.link).where(Broadcast.id == clicked))


def unsubscribe(session: Session, *, member_id: int, at: datetime) -> None:
    """Send a member no more marketing, from the next message on (退订); service notices still come."""
    set_notice_wanted(session, member_id=member_id, kind=NoticeKind.CAMPAIGN, is_wanted=False, at=at)
