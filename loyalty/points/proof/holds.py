"""The proof of holds: what they bind of lots, and what became of those that were captured."""

from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select, union_all

from loyalty.points.lots import HOLD_LOTS, HOLDS
from loyalty.points.posting import ENTRIES, LOTS, constant
from loyalty.points.proof.rows import LATER, NO, YES, ZERO, found, of_page
from loyalty.points.rules import EntryKind, HoldState


def lots_that_are_held_otherwise() -> Select[Any]:
    """Find lots of which placed holds bind another number of points than they say."""
    sides = union_all(
        select(LOTS.c.member_id, LOTS.c.id.label("lot_id"), LOTS.c.held.label("points")).where(
            of_page(LOTS.c.member_id), LOTS.c.held != ZERO
        ),
        select(HOLD_LOTS.c.member_id, HOLD_LOTS.c.lot_id, -HOLD_LOTS.c.points)
        .join_from(
            HOLD_LOTS, HOLDS, and_(HOLDS.c.member_id == HOLD_LOTS.c.member_id, HOLDS.c.id == HOLD_LOTS.c.hold_id)
        )
        .where(of_page(HOLD_LOTS.c.member_id), HOLDS.c.state == constant(HoldState.PLACED)),
    ).subquery("sides")
    reason = constant("held is not what placed holds bind of it")
    return (
        found("lots", sides.c.lot_id, reason, sides.c.member_id, LATER)
        .group_by(sides.c.member_id, sides.c.lot_id)
        .having(func.sum(sides.c.points) != ZERO)
    )


def holds_that_differ() -> Select[Any]:
    """Find holds that bind another number of points of lots than they say, and what is bound by no hold."""
    sides = union_all(
        select(HOLDS.c.member_id, HOLDS.c.id.label("hold_id"), HOLDS.c.points, YES.label("is_hold")).where(
            of_page(HOLDS.c.member_id)
        ),
        select(HOLD_LOTS.c.member_id, HOLD_LOTS.c.hold_id, -HOLD_LOTS.c.points, NO).where(
            of_page(HOLD_LOTS.c.member_id)
        ),
    ).subquery("sides")
    has_hold = func.bool_or(sides.c.is_hold)
    reason = case(
        (has_hold, constant("its points are not what it binds of lots")),
        else_=constant("lots are bound, but not by any hold"),
    )
    return (
        found("holds", sides.c.hold_id, reason, sides.c.member_id, LATER)
        .group_by(sides.c.member_id, sides.c.hold_id)
        .having(or_(~has_hold, func.sum(sides.c.points) != ZERO))
    )


def captures_that_differ() -> Select[Any]:
    """Find captured holds without the spend entry that took their points, and others that say they took some."""
    hold, entry = HOLDS.c, ENTRIES.c
    spent = and_(
        entry.member_id == hold.member_id,
        entry.kind == constant(EntryKind.SPEND),
        entry.reference == hold.reference,
    )
    is_captured = hold.state == constant(HoldState.CAPTURED)
    reason = constant("what it captured is not what the entry of its reference took")
    differing = found("holds", hold.id, reason, hold.member_id, LATER).select_from(HOLDS.outerjoin(ENTRIES, spent))
    return differing.where(
        of_page(hold.member_id),
        case((is_captured, hold.captured_points), else_=-hold.captured_points)
        != case((is_captured, func.coalesce(-entry.points, ZERO)), else_=ZERO),
    )
