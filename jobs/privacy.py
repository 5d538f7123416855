"""Closed accounts and provisional members: erased when their waiting period is over."""

from jobs.periodic import PeriodicRun
from loyalty.kernel.database import Json
from loyalty.privacy import service as privacy


def erase_closed_members(periodic: PeriodicRun) -> Json:
    """Erase the personal data of members whose waiting period is over, a page at a time."""
    container = periodic.container
    erased = periodic.in_pages(
        lambda session: privacy.erase_due(session, vault=container.vault, at=container.clock.now())
    )
    return {"members": erased}


def erase_unconfirmed_members(periodic: PeriodicRun) -> Json:
    """Erase provisional members whose person did not come in time, a page at a time."""
    container = periodic.container
    erased = periodic.in_pages(
        lambda session: privacy.erase_unconfirmed(
            session, vault=container.vault, zone=container.zone, at=container.clock.now()
        )
    )
    return {"members": erased}
