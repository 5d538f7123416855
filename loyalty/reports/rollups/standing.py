"""Standings (现状): how many members each store has, how many of them sleep, and the points that they hold."""

from datetime import datetime

from sqlalchemy import BigInteger, cast, delete, func, insert, literal, select
from sqlalchemy.orm import Session

from loyalty.members.rules.members import MemberStatus
from loyalty.points.posting import ACCOUNTS
from loyalty.reports.rollups.figures import SLEEPING_AFTER, Standing
from loyalty.reports.rollups.models import StandingOfStore
from loyalty.reports.rollups.rolling import held_state
from loyalty.reports.rollups.sources import HOME, MEMBERS
from loyalty.stores.rules import StoreScope

_LIVING = (MemberStatus.ACTIVE, MemberStatus.CLOSING)
_SUMS = ("points_balance", "points_held", "points_debt")


def recount_standings(session: Session, *, at: datetime) -> int:
    """Count all members anew, by the store that enrolled them; return of how many stores."""
    held_state(session)
    session.execute(delete(StandingOfStore))
    last_act = func.greatest(MEMBERS.c.last_active_at, ACCOUNTS.c.last_activity_at)
    is_living = MEMBERS.c.status.in_(_LIVING)
    sums = (func.coalesce(func.sum(ACCOUNTS.c[name.removeprefix("points_")]), 0) for name in _SUMS)
    rows = (
        select(
            HOME.label("store_id"),
            func.count().filter(is_living),
            func.count().filter(is_living & (last_act < at - SLEEPING_AFTER)),
            *(cast(total, BigInteger) for total in sums),
            literal(at),
        )
        .select_from(MEMBERS.outerjoin(ACCOUNTS, ACCOUNTS.c.member_id == MEMBERS.c.id))
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
