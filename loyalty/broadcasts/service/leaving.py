"""Leaving members to the inbox, or until later."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Recipient
from loyalty.broadcasts.rules.states import Reason, RecipientState


def leave_to_inbox(session: Session, *, recipient_ids: Collection[int], reason: Reason) -> None:
    """Try nothing more over WeChat; the inbox message stands."""
    _update(session, recipient_ids, state=RecipientState.INBOX, reason=reason)


def put_off(session: Session, *, recipient_ids: Collection[int], until: datetime) -> None:
    """Try again later."""
    _update(session, recipient_ids, state=RecipientState.WAITING, due_at=until)


def _update(session: Session, recipient_ids: Collection[int], **values: object) -> None:
    if recipient_ids:
        session.execute(
            update(Recipient)
            .where(Recipient.id.in_(recipient_ids))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
