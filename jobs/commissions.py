"""Commissions (佣金): accrued from orders and approved page by page, undone when what they rest on falls away.

Each page reads the clock anew: what a long run writes after midnight belongs to the new day, for the old is sealed.
"""

from datetime import datetime, timedelta

from jobs.periodic import PeriodicRun
from loyalty.commissions import service as commissions
from loyalty.commissions.queries.grounds import unseen_referrals
from loyalty.commissions.service import Accrued, Approved, Place
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.referrals.service import settling

LOOKED_BACK = timedelta(days=3)
"""How late a friend may be attributed and their purchases still earn."""


def follow_refund(session: Session, _container: Container, payload: Json, at: datetime) -> None:
    """Undo what a refunded order earned."""
    commissions.follow_refund(session, order_id=payload["order_id"], at=at)


def follow_merge(session: Session, _container: Container, payload: Json, at: datetime) -> None:
    """Undo what members earned on themselves, as their merge shows."""
    commissions.end_unfounded(session, member_id=payload["survivor_id"], at=at)


def follow_reversal(session: Session, _container: Container, payload: Json, at: datetime) -> None:
    """Undo what an invitation earned that turned out to be none."""
    if payload["member_id"] is not None:
        commissions.end_unfounded(session, member_id=payload["member_id"], at=at)


def accrue_commissions(periodic: PeriodicRun) -> Json:
    """Note what the orders earn that were recorded since the last run."""
    return _accrue(periodic, run(periodic.container.database, commissions.first_place))


def catch_up_commissions(periodic: PeriodicRun) -> Json:
    """Look at the orders of some days again, for friends who were attributed late."""

    def first(session: Session) -> Place:
        return commissions.first_place(session, overlap=LOOKED_BACK)

    return _accrue(periodic, run(periodic.container.database, first))


def approve_commissions(periodic: PeriodicRun) -> Json:
    """Let members withdraw what was earned before the refund window, by invitations that risk let pass."""
    clock, approved, waiting, last = periodic.container.clock, 0, 0, None
    _look_at_invitations(periodic, clock.now())

    def work(session: Session) -> Approved:
        return commissions.approve_page(session, after=last, at=clock.now())

    while (page := run(periodic.container.database, work)).last is not None:
        approved, waiting, last = approved + page.approved, waiting + page.waiting, page.last
        periodic.beat()
    return {"approved": approved, "waiting": waiting}


def _look_at_invitations(periodic: PeriodicRun, at: datetime) -> None:
    container = periodic.container
    periodic.each_of(
        lambda session, after: unseen_referrals(session, after_id=after, at=at),
        lambda session, one: settling.look_early(
            session, vault=container.vault, referral_id=one, at=at, zone=container.zone
        ),
    )


def _accrue(periodic: PeriodicRun, place: Place) -> Json:
    container, until = periodic.container, periodic.container.clock.now()
    counts = {"orders": 0, "commissions": 0, "amount_fen": 0}

    def work(session: Session) -> Accrued:
        return commissions.accrue_page(session, after=place, at=container.clock.now(), zone=container.zone)

    # Orders that go on coming in are the next run's.
    while place.recorded_at <= until and (page := run(container.database, work)).last is not None:
        counts["orders"] += page.orders
        counts["commissions"] += page.commissions
        counts["amount_fen"] += page.amount_fen
        place = page.last
        periodic.beat()
    return dict(counts)
