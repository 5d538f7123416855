"""Debiting points (扣减): lock the account, read its open lots, write everything in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, select
from sqlalchemy.orm import Session

from loyalty.kernel.database import Json
from loyalty.points.holding import lock_to_take
from loyalty.points.lots import find_posting_or_spendable_lots
from loyalty.points.posting import Posting, constant, given, lot_amounts, parameter, parameters, post_draws
from loyalty.points.rules import EVENT_OF_KIND, EntryKind, LotDraw, draw_down

_VALUES = (
    "member_id",
    "points",
    "reference",
    "store_id",
    "actor",
    "reversed_entry_id",
    "reversed_points",
    "explanation",
    "occurred_at",
    "recorded_at",
)


def _statement(kind: EntryKind, event: str | None) -> Select[Any]:
    values = {name: parameter(name) for name in _VALUES}
    debt_change = parameter("debt_change", BigInteger())
    source = select(*given(kind=constant(kind), **values, debt_change=debt_change)).cte("source")
    amounts = lot_amounts()
    draws = select(parameter("member_id").label("member_id"), amounts.c.lot_id, amounts.c.points).cte("draws")
    return post_draws(source, draws, event=event).rows()


_STATEMENTS = {
    kind: _statement(kind, EVENT_OF_KIND.get(kind))
    for kind in (EntryKind.SPEND, EntryKind.ADJUST, EntryKind.REVERSE, EntryKind.TRANSFER)
}


def spend(
    session: Session,
    *,
    member_id: int,
    points: int,
    reference: str,
    explanation: Json,
    occurred_at: datetime,
    at: datetime,
    store_id: int | None = None,
    actor: str = "system",
) -> Posting:
    """Take points from a member (使用), from the lots that expire first.

    Spending again under the same reference returns the first posting and takes nothing. Points that have expired
    or are not yet available at ``at`` are not touched.

    Raises:
        InvalidPoints: ``points`` is below one or absurdly large.
        InsufficientPoints: less than ``points`` is available at ``at``; nothing was taken.
    """
    return debit(
        session,
        kind=EntryKind.SPEND,
        at=at,
        values={
            "member_id": member_id,
            "points": points,
            "reference": reference,
            "explanation": explanation,
            "occurred_at": occurred_at,
            "store_id": store_id,
            "actor": actor,
        },
    )


def debit(session: Session, *, kind: EntryKind, at: datetime, values: Mapping[str, Any]) -> Posting:
    """Post one debit over a member's spendable lots; the first posting again when the reference is known.

    Raises:
        InvalidPoints: the points are below one or absurdly large.
        InsufficientPoints: less is available at ``at``.
    """
    member_id, points = values["member_id"], values["points"]
    account = lock_to_take(session, member_id=member_id, points=points, at=at)
    # A lot holds one point at least, so that as many lots as points always suffice.
    found = find_posting_or_spendable_lots(
        session, member_id=member_id, kind=kind, reference=values["reference"], at=at, limit=points + account.debt
    )
    if isinstance(found, Posting):
        return found
    draws = draw_down(found, points, debt=account.debt)
    return write_draws(session, kind=kind, draws=draws, at=at, values={**values, "points": -points})


def write_draws(
    session: Session, *, kind: EntryKind, draws: Sequence[LotDraw], at: datetime, values: Mapping[str, Any]
) -> Posting:
    """Write one entry with its draws; the account is locked and the draws are what its lots can bear.

    The points are what the draws take or put back, less ``debt_change``: by how much the member owes more.
    """
    unset = {"reversed_entry_id": None, "reversed_points": None, "debt_change": 0}
    drawn = {"lot_ids": [draw.lot_id for draw in draws], "lot_points": [draw.points for draw in draws]}
    named = parameters({**unset, **values, **drawn, "recorded_at": at})
    row = session.execute(_STATEMENTS[kind], named).one()
    return Posting(*row)
