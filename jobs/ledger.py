"""The books: let go of what holds bound too long; at night seal the day before, then prove everything."""

from datetime import timedelta
from functools import partial

from jobs.periodic import Alarm, PeriodicRun
from loyalty.earnings import service as earnings
from loyalty.kernel.database import Json
from loyalty.kernel.transaction import run
from loyalty.payouts.verification import verify as verify_payouts
from loyalty.points import service as points
from loyalty.reports.rollups.verification import verify as verify_rollups

HOLDS_AT_A_TIME = 200


def release_expired_holds(periodic: PeriodicRun) -> Json:
    """Close holds that ran out, a page at a time."""
    at = periodic.container.clock.now()
    return {"holds": periodic.in_pages(lambda session: points.release_expired(session, at=at, limit=HOLDS_AT_A_TIME))}


def seal_ledger(periodic: PeriodicRun) -> Json:
    """Seal yesterday, of points and of money, and every day that was missed since the last seal."""
    container, made = periodic.container, []
    for seal in (points.seal, earnings.seal):
        sealing = partial(
            seal,
            seal_key=container.settings.seal_key,
            on=periodic.business_on - timedelta(days=1),
            zone=container.zone,
            at=container.clock.now(),
        )
        made.append(run(container.database, sealing))
    return {"seals_made": made[0], "money_seals_made": made[1]}


def verify_ledger(periodic: PeriodicRun) -> Json:
    """Prove the whole ledger of points, that of money, every payout against it, and the roll-ups of the boards.

    Raises:
        Alarm: some row does not fit; the first is named.
    """
    container = periodic.container
    seal_key, at = container.settings.seal_key, container.clock.now()
    verification = run(container.database, partial(points.verify, seal_key=seal_key, at=at))
    money = run(container.database, partial(earnings.verify, seal_key=seal_key, at=at))
    discrepancies = [
        *verification.discrepancies,
        *money.discrepancies,
        *run(container.database, verify_payouts),
        *run(container.database, partial(verify_rollups, zone=container.zone)),
    ]
    counts: Json = {
        "accounts": verification.accounts_count,
        "entries": verification.entries_count,
        "seals": verification.seals_count,
        "money_accounts": money.accounts_count,
        "money_entries": money.entries_count,
        "money_seals": money.seals_count,
        "discrepancies": len(discrepancies),
    }
    if discrepancies:
        first = discrepancies[0]
        raise Alarm(f"{first.table} {first.row}: {first.reason}", counts)
    return counts
