"""Sorting whoever is due: ready when some way is open, else left to the inbox. Large pages, one statement each."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, Update, bindparam, case, exists, func, literal_column, null, select, update
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Recipient
from loyalty.broadcasts.queries.refusals import refusal_of
from loyalty.broadcasts.queries.ways import accounts, ways
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.states import Reason, RecipientState

PAGE = 2_000


def sort_page(
    session: Session, *, broadcast_id: int, channels: tuple[Channel, ...], at: datetime, page: int = PAGE
) -> int:
    """Sort up to a page of who is due; return how many there were."""
    given = {"broadcast": broadcast_id, "now": at, "page": page}
    return len(session.execute(_statement(channels), given).all())


def _statement(channels: tuple[Channel, ...]) -> Update:
    now = bindparam("now", type_=Recipient.due_at.type)
    due = (
        select(Recipient.id, Recipient.member_id)
        .where(
            Recipient.broadcast_id == bindparam("broadcast"),
            Recipient.state == literal_column(f"'{RecipientState.WAITING}'"),
            Recipient.due_at <= now,
        )
        .order_by(Recipient.due_at, Recipient.id)
        .limit(bindparam("page"))
        .with_for_update(skip_locked=True, key_share=True)
        .cte("due")  # evaluated once; a plan may run a subquery again, past the rows it has just taken
    )
    open_ways, known = ways(channels, at=now).subquery(), accounts(channels).subquery()
    no_way = ~exists().where(open_ways.c.member_id == due.c.member_id)
    no_account = ~exists().where(known.c.member_id == due.c.member_id)
    judged = select(
        due.c.id,
        func.coalesce(
            refusal_of(due.c.member_id, at=now),
            case((no_account, _text(Reason.NO_ACCOUNT)), (no_way, _text(Reason.NO_WAY)), else_=null()),
        ).label("reason"),
    ).cte("judged")
    return (
        update(Recipient)
        .where(Recipient.id == judged.c.id)
        .values(
            state=case((judged.c.reason.is_(None), _text(RecipientState.READY)), else_=_text(RecipientState.INBOX)),
            reason=judged.c.reason,
        )
        .returning(Recipient.id)
        .execution_options(synchronize_session=False)
    )


def _text(value: str) -> Any:
    return literal_column(f"'{value}'", String)
