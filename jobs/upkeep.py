"""Upkeep: messages that hang or wait, and rows that have served their time."""

from datetime import timedelta

from jobs import schedule
from jobs.periodic import PeriodicRun
from jobs.sending import accounts_of
from loyalty.channels import service as channels
from loyalty.kernel import runs
from loyalty.kernel.database import Json
from loyalty.kernel.transaction import run
from loyalty.limits import service as limits
from loyalty.members import service as members
from loyalty.notices import service as notices
from loyalty.notices.service.windows import purge_windows
from loyalty.partners.service import housekeeping as partners

RUNS_KEPT = timedelta(days=7)
COUNTERS_KEPT = timedelta(days=100)
"""Long after the end of their period: a late purchase or refund still finds its day's caps."""


def resolve_stale_sending(periodic: PeriodicRun) -> Json:
    """Settle messages whose worker died or whose answer was lost."""
    container = periodic.container
    resolved = notices.resolve_stale(
        container.database, accounts=accounts_of(container), zone=container.zone, at=container.clock.now()
    )
    return {"deliveries": resolved}


def release_held_notices(periodic: PeriodicRun) -> Json:
    """Let go what the night or the daily cap held back."""
    clock = periodic.container.clock
    return {"notices": periodic.in_pages(lambda session: notices.release_held(session, at=clock.now()))}


def settle_expired_reviews(periodic: PeriodicRun) -> Json:
    """Settle second proofs that nobody gave in time: the phone counts as another person's."""
    container = periodic.container
    settled = members.settle_expired_reviews(container.database, vault=container.vault, at=container.clock.now())
    return {"reviews": settled}


def purge_leftovers(periodic: PeriodicRun) -> Json:
    """Delete codes, sessions, pushes, runs, counters of limits and nonces that nobody asks for any more."""
    container = periodic.container
    at = container.clock.now()
    return {
        "pushes": run(container.database, lambda session: channels.purge_pushes(session, at=at)),
        "codes_and_sessions": run(container.database, lambda session: members.forget_old_traces(session, at=at)),
        "runs": run(
            container.database,
            lambda session: runs.purge(
                session,
                before=periodic.business_on - RUNS_KEPT,
                jobs=[job.name for job in schedule.JOBS if job.every_minutes],
            ),
        ),
        "counters": periodic.in_pages(
            lambda session: limits.purge(session, before=periodic.business_on - COUNTERS_KEPT)
        ),
        "windows": periodic.in_pages(lambda session: purge_windows(session, at=at)),
        "partner_traces": periodic.in_pages(lambda session: partners.purge_traces(session, at=at)),
    }
