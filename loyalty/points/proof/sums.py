"""The proof of sums: what a lot has left, what an account says of its entries, lots and holds."""

from typing import Any

from sqlalchemy import FromClause, Select, and_, case, exists, func, or_, select, union_all

from loyalty.points import chain
from loyalty.points.lots import HOLDS
from loyalty.points.posting import ACCOUNTS, DRAWS, LOTS, constant
from loyalty.points.proof.entries import ENTRIES_OF_PAGE
from loyalty.points.proof.rows import LAST, LATER, NO, YES, ZERO, found, of_page
from loyalty.points.rules import HoldState


def lots_that_differ() -> Select[Any]:
    """Find lots that hold another rest than their draws leave, and draws on no lot."""
    sides = union_all(
        select(
            LOTS.c.member_id,
            LOTS.c.id.label("lot_id"),
            (LOTS.c.points - LOTS.c.remaining).label("points"),
            YES.label("is_lot"),
        ).where(of_page(LOTS.c.member_id)),
        select(DRAWS.c.member_id, DRAWS.c.lot_id, -DRAWS.c.points, NO).where(of_page(DRAWS.c.member_id)),
    ).subquery("sides")
    has_lot = func.bool_or(sides.c.is_lot)
    reason = case(
        (has_lot, constant("remaining is not its points less its draws")),
        else_=constant("draws are there, but not the lot they drew on"),
    )
    return (
        found("lots", sides.c.lot_id, reason, sides.c.member_id, LATER)
        .group_by(sides.c.member_id, sides.c.lot_id)
        .having(or_(~has_lot, func.sum(sides.c.points) != ZERO))
    )


def accounts_that_differ() -> Select[Any]:
    """Find accounts that sum up otherwise than their entries, lots and holds; each side has one row for a member."""
    last, lots, holds = _last_entries(), _sums_of_lots(), _sums_of_holds()
    account = ACCOUNTS.c
    reason = case(
        (
            account.last_sequence != func.coalesce(last.c.sequence, ZERO),
            constant("last_sequence is not its last entry's"),
        ),
        (
            account.chain_head != func.coalesce(last.c.digest, chain.GENESIS),
            constant("chain_head is not its last entry's digest"),
        ),
        (
            or_(
                account.balance != func.coalesce(last.c.balance_after, ZERO),
                account.debt != func.coalesce(last.c.debt_after, ZERO),
            ),
            constant("balance or debt is not its last entry's"),
        ),
        (
            account.last_debt_change != func.coalesce(last.c.borrowed, ZERO),
            constant("last_debt_change is not its last entry's"),
        ),
        (account.balance != func.coalesce(lots.c.points, ZERO), constant("balance is not what its lots hold")),
        (account.held != func.coalesce(holds.c.points, ZERO), constant("held is not what its placed holds bind")),
        else_=None,
    )
    joined = ACCOUNTS
    for side in (last, lots, holds):
        joined = joined.outerjoin(side, side.c.member_id == account.member_id)  # type: ignore[assignment]
    differing = found("points_accounts", account.member_id, reason, account.member_id, LAST).select_from(joined)
    return differing.where(of_page(account.member_id), reason.is_not(None))


def accounts_that_are_missing() -> Select[Any]:
    """Find members with entries or holds but no account."""
    members = union_all(
        select(ENTRIES_OF_PAGE.c.member_id).where(ENTRIES_OF_PAGE.c.is_last),
        select(HOLDS.c.member_id).where(of_page(HOLDS.c.member_id)).distinct(),
    ).subquery("members")
    reason = constant("the member has entries or holds, but no points account")
    missing = found("points_accounts", members.c.member_id, reason, members.c.member_id, ZERO)
    return missing.where(~exists().where(ACCOUNTS.c.member_id == members.c.member_id)).distinct()


def _last_entries() -> FromClause:
    return select(ENTRIES_OF_PAGE).where(ENTRIES_OF_PAGE.c.is_last).subquery("last")


def _sums_of_lots() -> FromClause:
    columns = (LOTS.c.member_id, func.sum(LOTS.c.remaining).label("points"))
    return select(*columns).where(of_page(LOTS.c.member_id)).group_by(LOTS.c.member_id).subquery("left")


def _sums_of_holds() -> FromClause:
    columns = (HOLDS.c.member_id, func.sum(HOLDS.c.points).label("points"))
    placed = and_(of_page(HOLDS.c.member_id), HOLDS.c.state == constant(HoldState.PLACED))
    return select(*columns).where(placed).group_by(HOLDS.c.member_id).subquery("placed")
