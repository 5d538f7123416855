"""Roll-ups (汇总) of the boards: kept in step every few minutes; what changed late is noted as its event is handled."""

from datetime import date, datetime
from functools import partial

from jobs.periodic import PeriodicRun
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.reports.rollups import late, rolling, standing


def roll_points(periodic: PeriodicRun) -> Json:
    """Take in what is settled of the ledger, a page at a time; what is not waits for the next minute."""
    periodic.in_pages(partial(rolling.roll_points, zone=periodic.container.zone))
    return {}


def recount_days(periodic: PeriodicRun) -> Json:
    """Count the last days anew, and those whose facts changed late."""
    container = periodic.container
    periodic.in_pages(partial(rolling.recount_days, zone=container.zone, at=container.clock.now()))
    return {}


def recount_standings(periodic: PeriodicRun) -> Json:
    """Count how all members stand."""
    container = periodic.container
    return {"stores": run(container.database, partial(standing.recount_standings, at=container.clock.now()))}


def note_check_in(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Note the day of a check-in that was made up."""
    late.note_check_in(session, on=date.fromisoformat(payload["checked_in_on"]), zone=container.zone, at=at)


def note_merge(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Note the days of the check-ins that a merge may have moved."""
    late.note_merge(session, member_id=payload["survivor_id"], zone=container.zone, at=at)


def note_order(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Note the days of a purchase that was recorded, corrected or refunded."""
    late.note_order(session, order_id=payload["order_id"], zone=container.zone, at=at)


def note_redemption(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Note the day of a use of a coupon that was reversed."""
    late.note_redemption(session, redemption_id=payload["redemption_id"], zone=container.zone, at=at)
