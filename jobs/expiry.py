"""Expiry at night: members are told, lots nobody was told of live on, and what has ended is booked out.

Each page of members is a transaction of its own, so that members who act meanwhile hardly wait, and a killed run goes
on where it was.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from jobs.periodic import PeriodicRun
from loyalty.kernel.clock import end_of
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.points import service as points

GRACES_AHEAD = timedelta(hours=21)
"""How far into the next day lots are looked at: until after that day's run, but not to its end."""


class _Page(Protocol):
    @property
    def last_member_id(self) -> int: ...


Page = TypeVar("Page", bound=_Page)


def plan_expiry_notices(periodic: PeriodicRun) -> Json:
    """Owe members the messages about points that end in 30, 7 and 1 days."""
    zone = periodic.container.zone
    pages = _pages(
        periodic,
        lambda session, after, at: points.plan_expiry_notices(session, after_member_id=after, at=at, zone=zone),
    )
    return {"notices": sum(page.notices_count for page in pages)}


def grant_expiry_graces(periodic: PeriodicRun) -> Json:
    """Let lots live on that would end tonight without their member knowing."""
    zone = periodic.container.zone
    until = end_of(periodic.business_on, zone) + GRACES_AHEAD
    pages = _pages(
        periodic,
        lambda session, after, at: points.grant_graces(session, until=until, after_member_id=after, at=at, zone=zone),
    )
    return {
        "lots_told": sum(page.settled.evidence_count for page in pages),
        "lots_graced": sum(page.settled.graces_count for page in pages),
    }


def expire_lots(periodic: PeriodicRun) -> Json:
    """Book out what has ended, one entry for each member."""
    zone, name = periodic.container.zone, periodic.business_on.isoformat()
    pages = _pages(
        periodic,
        lambda session, after, at: points.expire_lots(session, run=name, after_member_id=after, at=at, zone=zone),
    )
    return {
        "entries": sum(page.entries_count for page in pages),
        "points": sum(page.points for page in pages),
        "lots_graced": sum(page.graces_count for page in pages),
    }


def _pages(periodic: PeriodicRun, step: Callable[[Session, int, datetime], Page | None]) -> list[Page]:
    """Do one page after the other, each at its own instant; return what they did."""
    container, pages, after = periodic.container, list[Page](), 0

    def work(session: Session) -> Page | None:
        return step(session, after, container.clock.now())

    while (page := run(container.database, work)) is not None:
        pages.append(page)
        after = page.last_member_id
        periodic.beat()
    return pages
