"""Holding (冻结): the statements that bind points of lots to a hold and let them go again.

A hold binds points of certain lots: ``Lot.held`` is what its placed holds bind, ``PointsAccount.held`` their sum.
Whoever calls these has locked the account. A hold that ran out binds nothing any more: before points are counted on,
those of the member are closed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    and_,
    any_,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from loyalty.points.lifetimes import ends_after
from loyalty.points.lots import HOLD_LOTS, HOLDS
from loyalty.points.posting import ACCOUNTS, ENTRIES, LOTS, Posting, constant, lot_amounts, parameter, parameters
from loyalty.points.queries import LockedAccount, lock_account
from loyalty.points.rules import EntryKind, HoldNotFound, HoldState, InsufficientPoints, LotDraw, OpenLot, check_points

_PLACED = ("member_id", "reference", "points", "store_id", "actor", "placed_at", "expires_at")


@dataclass(frozen=True, slots=True)
class HoldView:
    """A hold as it stands, or stood when a replay asks for it again."""

    id: int
    member_id: int
    reference: str
    points: int
    captured_points: int
    state: HoldState
    store_id: int | None
    placed_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    is_replay: bool = False


_VIEW = tuple(HOLDS.c[field.name] for field in fields(HoldView) if field.name != "is_replay")


def lock_for_debit(session: Session, *, member_id: int, at: datetime) -> LockedAccount | None:
    """Hold a member's account and close what holds of it ran out; nothing while there is no account."""
    account = lock_account(session, member_id=member_id)
    if account is not None and account.held:
        close_run_out(session, member_ids=[member_id], at=at)
    return account


def lock_to_take(session: Session, *, member_id: int, points: int, at: datetime) -> LockedAccount:
    """Hold the account of a member who spends points or sets them aside, as ``lock_for_debit`` does.

    Raises:
        InvalidPoints: the points are below one or absurdly large.
        InsufficientPoints: the member has no account.
    """
    check_points(points)
    account = lock_for_debit(session, member_id=member_id, at=at)
    if account is None:
        raise InsufficientPoints(points=points, available=0)
    return account


def find_hold(session: Session, *, member_id: int, reference: str) -> HoldView | None:
    """Return the hold placed under a reference."""
    row = session.execute(select(*_VIEW).where(HOLDS.c.member_id == member_id, HOLDS.c.reference == reference)).first()
    return None if row is None else _view(row._asdict())


def get_hold_and_spend(session: Session, *, member_id: int, reference: str) -> tuple[HoldView, Posting | None]:
    """Return the hold placed under a reference, and what was spent under the same one.

    Raises:
        HoldNotFound: the member has no hold under this reference.
    """
    of_reference = and_(
        ENTRIES.c.member_id == HOLDS.c.member_id,
        ENTRIES.c.kind == constant(EntryKind.SPEND),
        ENTRIES.c.reference == HOLDS.c.reference,
    )
    spend = [ENTRIES.c[name].label(f"spend_{name}") for name in ("id", "sequence", "points", "balance_after")]
    row = session.execute(
        select(*_VIEW, *spend)
        .select_from(HOLDS.outerjoin(ENTRIES, of_reference))
        .where(HOLDS.c.member_id == member_id, HOLDS.c.reference == reference)
    ).first()
    if row is None:
        raise HoldNotFound(reference=reference)
    hold = _view({column.name: getattr(row, column.name) for column in _VIEW})
    if row.spend_id is None:
        return hold, None
    return hold, Posting(row.spend_id, row.spend_sequence, row.spend_points, row.spend_balance_after, is_replay=True)


def bind(session: Session, *, draws: Sequence[LotDraw], values: Mapping[str, Any]) -> HoldView:
    """Write a hold that binds these points of these lots."""
    bound = {"lot_ids": [draw.lot_id for draw in draws], "lot_points": [draw.points for draw in draws]}
    return _view(session.execute(_BIND, parameters({**values, **bound})).one()._asdict())


def close_one(
    session: Session, *, hold: HoldView, state: HoldState, captured_points: int = 0, at: datetime
) -> Sequence[OpenLot]:
    """Close a placed hold and let its points go; return what it bound of each lot, in the order of spending."""
    values = {"member_id": hold.member_id, "hold_id": hold.id}
    rows = session.execute(_CLOSE_ONE, _closing(state, captured_points, at, values))
    return [OpenLot(*row) for row in rows]


def close_run_out(session: Session, *, member_ids: Sequence[int], at: datetime) -> int:
    """Close the members' holds that ran out; return how many there were."""
    values = {"member_ids": list(member_ids)}
    return int(session.execute(_CLOSE_RUN_OUT, _closing(HoldState.EXPIRED, 0, at, values)).scalar_one())


def lock_accounts_with_run_out_holds(session: Session, *, at: datetime, limit: int) -> Sequence[int]:
    """Hold the accounts of some members whose holds ran out, in ascending order; return their ids."""
    due = (
        select(HOLDS.c.member_id)
        .where(HOLDS.c.state == constant(HoldState.PLACED), HOLDS.c.expires_at <= at)
        .order_by(HOLDS.c.expires_at)
        .limit(limit)
    )
    return session.scalars(
        select(ACCOUNTS.c.member_id)
        .where(ACCOUNTS.c.member_id.in_(due))
        .order_by(ACCOUNTS.c.member_id)
        .with_for_update(key_share=True)
    ).all()


def close_all(session: Session, *, member_id: int, at: datetime) -> None:
    """Release every hold of a member."""
    session.execute(_CLOSE_ALL, _closing(HoldState.RELEASED, 0, at, {"member_id": member_id}))


def _closing(state: HoldState, captured_points: int, at: datetime, which: dict[str, Any]) -> dict[str, Any]:
    return parameters({"state": state, "captured_points": captured_points, "closed_at": at, **which})


def _hold(name: str) -> ColumnElement[Any]:
    return parameter(name, HOLDS.c[name].type)


def _view(row: Mapping[str, Any]) -> HoldView:
    return HoldView(**{**row, "state": HoldState(row["state"])})


def _bind() -> Select[Any]:
    amounts = lot_amounts()
    placed = insert(HOLDS).values(**{name: _hold(name) for name in _PLACED}).returning(*_VIEW).cte("placed")
    lines = insert(HOLD_LOTS).from_select(
        ["member_id", "hold_id", "lot_id", "points"],
        select(placed.c.member_id, placed.c.id, amounts.c.lot_id, amounts.c.points).join_from(placed, amounts, true()),
    )
    lots = (
        update(LOTS)
        .where(LOTS.c.member_id == _hold("member_id"), LOTS.c.id == amounts.c.lot_id)
        .values(held=LOTS.c.held + amounts.c.points)
    )
    account = (
        update(ACCOUNTS)
        .where(ACCOUNTS.c.member_id == _hold("member_id"))
        .values(held=ACCOUNTS.c.held + _hold("points"))
    )
    return select(placed).add_cte(lines.cte("lines"), lots.cte("lots_bound"), account.cte("account_bound"))


def _close(which: ColumnElement[bool]) -> tuple[CTE, CTE, CTE]:
    """Close placed holds: the holds, the lots and the accounts that let go."""
    closed = (
        update(HOLDS)
        .where(HOLDS.c.state == constant(HoldState.PLACED), which)
        .values(state=_hold("state"), captured_points=_hold("captured_points"), closed_at=_hold("closed_at"))
        .returning(HOLDS.c.member_id, HOLDS.c.id, HOLDS.c.points)
        .cte("closed")
    )
    lines = (
        select(HOLD_LOTS.c.member_id, HOLD_LOTS.c.lot_id, func.sum(HOLD_LOTS.c.points).label("points"))
        .join_from(
            closed, HOLD_LOTS, and_(HOLD_LOTS.c.member_id == closed.c.member_id, HOLD_LOTS.c.hold_id == closed.c.id)
        )
        .group_by(HOLD_LOTS.c.member_id, HOLD_LOTS.c.lot_id)
        .cte("lines")
    )
    lots = (
        update(LOTS)
        .where(LOTS.c.member_id == lines.c.member_id, LOTS.c.id == lines.c.lot_id)
        .values(held=LOTS.c.held - lines.c.points)
        .returning(
            LOTS.c.id, lines.c.points, LOTS.c.opened_at, ends_after(LOTS, _hold("closed_at")).label("expires_at")
        )
        .cte("lots_let_go")
    )
    sums = (
        select(closed.c.member_id, func.sum(closed.c.points).label("points"))
        .group_by(closed.c.member_id)
        .subquery("sums")
    )
    accounts = (
        update(ACCOUNTS)
        .where(ACCOUNTS.c.member_id == sums.c.member_id)
        .values(held=ACCOUNTS.c.held - sums.c.points)
        .cte("accounts_let_go")
    )
    return closed, lots, accounts


def _close_one() -> Select[Any]:
    closed, lots, accounts = _close(
        and_(HOLDS.c.member_id == _hold("member_id"), HOLDS.c.id == parameter("hold_id", BigInteger()))
    )
    in_order = select(lots).order_by(lots.c.expires_at, lots.c.opened_at, lots.c.id)
    return in_order.add_cte(closed, accounts)


def _close_many(which: ColumnElement[bool]) -> Select[Any]:
    closed, lots, accounts = _close(which)
    return select(func.count()).select_from(closed).add_cte(lots, accounts)


_BIND = _bind()
_CLOSE_ONE = _close_one()
_CLOSE_RUN_OUT = _close_many(
    and_(
        HOLDS.c.member_id == any_(parameter("member_ids", ARRAY(BigInteger))), HOLDS.c.expires_at <= _hold("closed_at")
    )
)
_CLOSE_ALL = _close_many(HOLDS.c.member_id == _hold("member_id"))
