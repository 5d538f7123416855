"""Expiry (积分到期): lots that have ended are booked out, one entry for each member and run.

Nobody loses points without a word: a lot is booked out only when its member was told of its last day, or after two
graces. What ended while no job ran is settled first, so that it gets its grace late rather than never.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, BigInteger, ColumnElement, Select, cast, exists, func, null, or_, select
from sqlalchemy.orm import Session

from loyalty.points import ending
from loyalty.points.ending import AT, ENDS_AT, EVIDENCE, EXPIRES_ON
from loyalty.points.holding import close_run_out
from loyalty.points.lots import FREE
from loyalty.points.posting import ENTRIES, LOTS, constant, given, parameter, post_draws
from loyalty.points.rules import EntryKind
from loyalty.points.rules.expiry import GRACES_MAX
from loyalty.points.service.graces import settle

MEMBERS_AT_A_TIME = 1_000
"""Few enough that members who act meanwhile do not feel the job; measured beside check-ins."""
_REFERENCE = parameter("reference")


@dataclass(frozen=True, slots=True)
class ExpiredPage:
    """What happened to a page of members."""

    last_member_id: int
    entries_count: int = 0
    points: int = 0
    graces_count: int = 0


def expire_lots(
    session: Session,
    *,
    run: str,
    after_member_id: int = 0,
    at: datetime,
    zone: ZoneInfo,
    limit: int = MEMBERS_AT_A_TIME,
) -> ExpiredPage | None:
    """Book out the ended lots of the next members after ``after_member_id``; None when there are no more.

    Points that a hold binds stay. A member has one entry for each ``run``: run again, it goes on with those who
    have none, and whatever ended since waits for the next run, unspendable all the same.
    """
    member_ids = ending.lock_members(session, after_id=after_member_id, until=at, limit=limit)
    if not member_ids:
        return None
    return book_out_ended(session, member_ids=member_ids, reference=f"expiry:{run}", at=at, zone=zone)


def book_out_ended(
    session: Session, *, member_ids: Sequence[int], reference: str, at: datetime, zone: ZoneInfo
) -> ExpiredPage:
    """Book out what has ended of these members' lots, by one entry each; the caller holds their accounts.

    The members are given in ascending order.
    """
    close_run_out(session, member_ids=member_ids, at=at)
    settled = settle(session, member_ids=member_ids, until=at, at=at, zone=zone)
    row = session.execute(_BOOK_OUT, ending.page_of(member_ids, zone=zone, at=at, reference=reference)).one()
    return ExpiredPage(member_ids[-1], row.entries_count, row.points, settled.graces_count)


def _book_out() -> Select[Any]:
    due = _due()
    draws = select(due.c.member_id, due.c.lot_id, due.c.points).cte("draws")
    writes = post_draws(_source(due), draws, event=None)
    counts: list[ColumnElement[Any]] = [
        func.count().label("entries_count"),
        func.coalesce(-func.sum(writes.moved.c.points), 0).cast(BigInteger).label("points"),
    ]
    return select(*counts).select_from(writes.moved).add_cte(*writes.effects)


def _due() -> CTE:
    """What is left of lots that have ended, and whose member was told of it or has had all graces."""
    is_evident = EVIDENCE.c.lot_id.is_not(None)
    columns: list[ColumnElement[Any]] = [
        LOTS.c.member_id,
        LOTS.c.id.label("lot_id"),
        FREE.label("points"),
        ENDS_AT.label("ends_at"),
        is_evident.label("is_evident"),
    ]
    of_lot = (EVIDENCE.c.member_id == LOTS.c.member_id) & (EVIDENCE.c.lot_id == LOTS.c.id)
    return (
        ending.lots_of_page(*columns)
        .outerjoin(EVIDENCE, of_lot & (EVIDENCE.c.expires_on == EXPIRES_ON))
        .where(
            LOTS.c.remaining > LOTS.c.held,
            AT >= ENDS_AT,
            or_(is_evident, ending.graces_count() >= GRACES_MAX),
        )
        .cte("due")
    )


def _source(due: CTE) -> CTE:
    warned = func.coalesce(func.sum(due.c.points).filter(due.c.is_evident), 0)
    graced = func.coalesce(func.sum(due.c.points).filter(~due.c.is_evident), 0)
    explanation = func.jsonb_build_object(
        constant("rule"), constant("expiry"), constant("told"), warned, constant("after_graces"), graced
    )
    is_booked = exists().where(
        ENTRIES.c.member_id == due.c.member_id,
        ENTRIES.c.kind == constant(EntryKind.EXPIRE),
        ENTRIES.c.reference == _REFERENCE,
    )
    return (
        select(
            *given(
                member_id=due.c.member_id,
                kind=constant(EntryKind.EXPIRE),
                points=cast(-func.sum(due.c.points), BigInteger),  # as the column's type: the digest covers it
                reference=_REFERENCE,
                store_id=cast(null(), BigInteger),
                actor=constant("system:expire_lots"),
                explanation=explanation,
                occurred_at=func.max(due.c.ends_at),
                recorded_at=AT,
            )
        )
        .group_by(due.c.member_id)
        .having(~is_booked)
        .cte("source")
    )


_BOOK_OUT = _book_out()
