"""Moving a merged member's points to the survivor (合并转移): each lot keeps its expiry and its issuing store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, case, select
from sqlalchemy.orm import Session

from loyalty.points.holding import close_all
from loyalty.points.lifetimes import ends_at, is_lapsed
from loyalty.points.posting import (
    ACCOUNTS,
    IDLE_TERMS,
    LOTS,
    TERMS,
    Posting,
    constant,
    given,
    lot_amounts,
    parameter,
    parameters,
    post_new_lots,
)
from loyalty.points.queries import find_posting, list_lots_with_points
from loyalty.points.rules import EntryKind, LotDraw
from loyalty.points.service.accounts import open_and_lock_account
from loyalty.points.service.debits import write_draws

_VALUES = ("member_id", "points", "reference", "actor", "explanation", "occurred_at", "recorded_at")


@dataclass(frozen=True, slots=True)
class Transfer:
    """The two halves of a transfer."""

    debit: Posting
    credit: Posting


def _arrival() -> Select[Any]:
    values = {name: parameter(name) for name in _VALUES}
    debt_change = parameter("debt_change", BigInteger())
    source = select(*given(kind=constant(EntryKind.TRANSFER), **values, debt_change=debt_change))
    amounts = lot_amounts()
    lots = (
        select(
            parameter("member_id").label("member_id"),
            amounts.c.points,
            *(LOTS.c[name] for name in (*TERMS, *IDLE_TERMS) if name != "expires_at"),
            # What inactivity has ended must not live again with the survivor's activity.
            case(
                (is_lapsed(LOTS, ACCOUNTS, parameter("recorded_at")), ends_at(LOTS, ACCOUNTS)), else_=LOTS.c.expires_at
            ).label("expires_at"),
        )
        .add_columns(LOTS.c.store_id, LOTS.c.id.label("position"))
        .join_from(amounts, LOTS, LOTS.c.id == amounts.c.lot_id)
        .join(ACCOUNTS, ACCOUNTS.c.member_id == LOTS.c.member_id)
        .where(LOTS.c.member_id == parameter("from_member_id", BigInteger()))
    )
    return post_new_lots(source.cte("source"), lots.cte("arriving"), event=None).rows()


_ARRIVAL = _arrival()


def transfer(
    session: Session, *, from_member_id: int, to_member_id: int, reference: str, at: datetime, actor: str = "system"
) -> Transfer | None:
    """Move all that is left in a member's lots, and what the member owes, by one entry on each side.

    Pending and expired points move as they are. Holds of the member are released first: whoever captures one is
    told so. Transferring again under the same reference returns the first postings. ``None`` when there is nothing
    to move. No event is recorded: to other modules it is the same person's points before and after.
    """
    accounts = {
        member_id: open_and_lock_account(session, member_id=member_id, at=at)
        for member_id in sorted((from_member_id, to_member_id))
    }
    known = [
        find_posting(session, member_id=member_id, kind=EntryKind.TRANSFER, reference=reference)
        for member_id in (from_member_id, to_member_id)
    ]
    if known[0] is not None and known[1] is not None:
        return Transfer(debit=known[0], credit=known[1])
    leaving = accounts[from_member_id]
    if leaving.held:
        close_all(session, member_id=from_member_id, at=at)
    draws = [LotDraw(lot.id, lot.remaining) for lot in list_lots_with_points(session, member_id=from_member_id)]
    if not draws and not leaving.debt:
        return None
    shared = {"reference": reference, "occurred_at": at, "actor": actor}
    debit = _depart(session, from_member_id, to_member_id, draws, leaving.debt, shared)
    return Transfer(debit=debit, credit=_arrive(session, from_member_id, to_member_id, draws, leaving.debt, shared))


def _depart(
    session: Session,
    from_member_id: int,
    to_member_id: int,
    draws: Sequence[LotDraw],
    debt: int,
    shared: Mapping[str, Any],
) -> Posting:
    values = {
        **shared,
        "member_id": from_member_id,
        "points": debt - sum(draw.points for draw in draws),
        "debt_change": -debt,
        "explanation": {"rule": "transfer", "to_member_id": to_member_id, **_of_debt(debt)},
        "store_id": None,
    }
    return write_draws(session, kind=EntryKind.TRANSFER, draws=draws, at=shared["occurred_at"], values=values)


def _arrive(
    session: Session,
    from_member_id: int,
    to_member_id: int,
    draws: Sequence[LotDraw],
    debt: int,
    shared: Mapping[str, Any],
) -> Posting:
    values = {
        **shared,
        "member_id": to_member_id,
        "from_member_id": from_member_id,
        "points": sum(draw.points for draw in draws) - debt,
        "debt_change": debt,
        "explanation": {"rule": "transfer", "from_member_id": from_member_id, **_of_debt(debt)},
        "recorded_at": shared["occurred_at"],
        "lot_ids": [draw.lot_id for draw in draws],
        "lot_points": [draw.points for draw in draws],
    }
    return Posting(*session.execute(_ARRIVAL, parameters(values)).one())


def _of_debt(debt: int) -> dict[str, int]:
    return {"debt": debt} if debt else {}
