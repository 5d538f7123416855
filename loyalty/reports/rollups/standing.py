"""Standings (现状): how many members each store has, how many of them sleep, the points that they hold; who sleeps."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, cast, delete, func, insert, literal, select
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.rules.members import MemberStatus
from loyalty.points.posting import ACCOUNTS
from loyalty.reports.rollups.figures import SLEEPING_AFTER, Standing
from loyalty.reports.rollups.models import StandingOfStore
from loyalty.reports.rollups.rolling import held_state
from loyalty.reports.rollups.sources import HOME, MEMBERS
from loyalty.stores.rules import StoreScope

_LIVING = (MemberStatus.ACTIVE, MemberStatus.CLOSING)
_SUMS = ("points_balance", "points_held", "points_debt")
_MEMBERS_AND_POINTS = MEMBERS.outerjoin(ACCOUNTS, ACCOUNTS.c.member_id == MEMBERS.c.id)
_LAST_ACT = func.greatest(MEMBERS.c.last_active_at, ACCOUNTS.c.last_activity_at)
_IS_LIVING = MEMBERS.c.status.in_(_LIVING)


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A member who sleeps (沉睡会员)."""

    member_id: int
    store_id: int
    """Which enrolled them; ``ONLINE`` for none."""
    last_act_at: datetime


def recount_standings(session: Session, *, at: datetime) -> int:
    """Count all members anew, by the store that enrolled them; return of how many stores."""
    held_state(session)
    session.execute(delete(StandingOfStore))
    sums = (func.coalesce(func.sum(ACCOUNTS.c[name.removeprefix("points_")]), 0) for name in _SUMS)
    rows = (
        select(
            HOME.label("store_id"),
            func.count().filter(_IS_LIVING),
            func.count().filter(_sleeps(at)),
            *(cast(total, BigInteger) for total in sums),
            literal(at),
        )
        .select_from(_MEMBERS_AND_POINTS)
        .group_by(HOME)
    )
    names = ["store_id", "members", "sleeping_members", *_SUMS, "counted_at"]
    made = session.execute(insert(StandingOfStore).from_select(names, rows).returning(StandingOfStore.store_id))
    return len(made.all())


def standing_of(session: Session, *, scope: StoreScope) -> Standing:
    """Return how the stores of a scope stood when they were last counted; all zero before the first count."""
    row = StandingOfStore
    sums = [func.coalesce(func.sum(getattr(row, name)), 0) for name in ("members", "sleeping_members", *_SUMS)]
    query = select(*sums, func.min(row.counted_at))
    if not scope.is_chain_wide:
        query = query.where(row.store_id.in_(scope.store_ids))
    *figures, counted_at = session.execute(query).one()
    members, sleeping, balance, held, debt = (int(figure) for figure in figures)
    return Standing(members, sleeping, balance, held, debt, counted_at)


def list_sleepers(
    session: Session, *, scope: StoreScope, at: datetime, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[Sleeper]:
    """Return who of the stores of a scope sleeps at an instant, the latest to enrol first.

    Raises:
        InvalidCursor: the cursor is not ours.
    """
    query = select(MEMBERS.c.id, HOME, _LAST_ACT).select_from(_MEMBERS_AND_POINTS).where(_sleeps(at))
    query = query.order_by(MEMBERS.c.id.desc()).limit(limit + 1)
    if not scope.is_chain_wide:
        query = query.where(HOME.in_(scope.store_ids))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(MEMBERS.c.id < last_id)
    return page_of([Sleeper(*one) for one in session.execute(query)], limit=limit, id_of=lambda one: one.member_id)


def _sleeps(at: datetime) -> ColumnElement[bool]:
    return _IS_LIVING & (at - SLEEPING_AFTER > _LAST_ACT)
