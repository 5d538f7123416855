"""Windows of customer messages (客服消息窗口): what a person does lets us write to them, so often and so long.

WeChat cannot be asked, so its allowance table is kept here: the same act again opens its window anew. Source: the
official table of 2023-06; a payment opens none any more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from loyalty.members.rules.identities import IdentityKind
from loyalty.notices.models import CustomerWindow


class Act(StrEnum):
    """What a person did."""

    WROTE = "wrote"
    CLICKED_MENU = "clicked_menu"
    FOLLOWED = "followed"
    SCANNED = "scanned"
    ENTERED = "entered"
    """Opened the mini program's own conversation."""


_MINUTE, _TWO_DAYS = timedelta(minutes=1), timedelta(hours=48)
_ALLOWED: Mapping[tuple[IdentityKind, Act], tuple[int, timedelta]] = {
    (IdentityKind.OFFICIAL_ACCOUNT, Act.WROTE): (5, _TWO_DAYS),
    (IdentityKind.OFFICIAL_ACCOUNT, Act.CLICKED_MENU): (3, _MINUTE),
    (IdentityKind.OFFICIAL_ACCOUNT, Act.FOLLOWED): (3, _MINUTE),
    (IdentityKind.OFFICIAL_ACCOUNT, Act.SCANNED): (3, _MINUTE),
    (IdentityKind.MINI_PROGRAM, Act.WROTE): (5, _TWO_DAYS),
    (IdentityKind.MINI_PROGRAM, Act.ENTERED): (2, _MINUTE),
}


def open_window(session: Session, *, identity_id: int, kind: IdentityKind, act: Act, acted_at: datetime) -> None:
    """Note that a person did something that lets us write; an act that is told late opens no window twice."""
    allowed = _ALLOWED.get((kind, act))
    if allowed is None:
        return
    count, lasts = allowed
    values = {"expires_at": acted_at + lasts, "remaining": count}
    session.execute(
        insert(CustomerWindow)
        .values(identity_id=identity_id, act=act, **values)
        .on_conflict_do_update(
            index_elements=["identity_id", "act"], set_=values, where=CustomerWindow.expires_at < values["expires_at"]
        )
    )


def take_windows(session: Session, *, identity_ids: Sequence[int], at: datetime) -> set[int]:
    """Take one message of each identity from its window that closes first; return whose there was one."""
    window = CustomerWindow
    usable = (
        select(window.identity_id, window.act)
        .where(window.identity_id.in_(identity_ids), window.expires_at > at, window.remaining > 0)
        .ext(distinct_on(window.identity_id))
        .order_by(window.identity_id, window.expires_at, window.act)
        .subquery()
    )
    taken = session.scalars(
        update(window)
        .where(window.identity_id == usable.c.identity_id, window.act == usable.c.act, window.remaining > 0)
        .values(remaining=window.remaining - 1)
        .returning(window.identity_id)
        .execution_options(synchronize_session=False)
    )
    return set(taken)


def close_windows(session: Session, *, identity_ids: Sequence[int]) -> None:
    """Believe WeChat that nothing more may be written, until the person's next act."""
    session.execute(
        update(CustomerWindow)
        .where(CustomerWindow.identity_id.in_(identity_ids))
        .values(remaining=0)
        .execution_options(synchronize_session=False)
    )


def purge_windows(session: Session, *, at: datetime, limit: int = 10_000) -> int:
    """Delete windows that have closed, up to ``limit``; return how many."""
    over = (
        select(CustomerWindow.identity_id, CustomerWindow.act)
        .where(CustomerWindow.expires_at <= at)
        .limit(limit)
        .cte("over")
    )
    gone = session.execute(
        delete(CustomerWindow)
        .where(CustomerWindow.identity_id == over.c.identity_id, CustomerWindow.act == over.c.act)
        .returning(CustomerWindow.identity_id)
    )
    return len(gone.all())
