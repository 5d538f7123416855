"""The books: let go of what holds bound too long; at night seal the day before, then prove everything."""

from datetime import timedelta

from jobs.periodic import Alarm, PeriodicRun
from loyalty.earnings import service as earnings
from loyalty.kernel.database import Json
from loyalty.kernel.transaction import run
from loyalty.payouts.verification import verify as verify_payouts
from loyalty.points import service as points

HOLDS_AT_A_TIME = 200


def release_expired_holds(periodic: PeriodicRun) -> Json:
    """Close holds that ran out, a page at a time."""
    at = periodic.container.clock.now()
    return {"holds": periodic.in_pages(lambda session: points.release_expired(session, at=at, limit=HOLDS_AT_A_TIME))}


def seal_ledger(periodic: PeriodicRun) -> Json:
    """Seal yesterday, and every day that was missed since the last seal."""
    container = periodic.container
    yesterday = periodic.business_on - timedelta(days=1)
    made = run(
        container.database,
        lambda session: points.seal(
            session,
            seal_key=container.settings.seal_key,
            on=yesterday,
            zone=container.zone,
            at=container.clock.now(),
        ),
    )
    return {"seals_made": made}


def verify_ledger(periodic: PeriodicRun) -> Json:
    """Prove the whole ledger of points, that of money, and every payout against it.

    Raises:
        Alarm: some row does not fit; the first is named.
    """
    container = periodic.container
    verification = run(
        container.database,
        lambda session: points.verify(session, seal_key=container.settings.seal_key, at=container.clock.now()),
    )
    money = run(container.database, earnings.verify)
    discrepancies = [
        *verification.discrepancies,
        *money.discrepancies,
        *run(container.database, verify_payouts),
    ]
    counts: Json = {
        "accounts": verification.accounts_count,
        "entries": verification.entries_count,
        "seals": verification.seals_count,
        "money_accounts": money.accounts_count,
        "money_entries": money.entries_count,
        "discrepancies": len(discrepancies),
    }
    if discrepancies:
        first = discrepancies[0]
        raise Alarm(f"{first.table} {first.row}: {first.reason}", counts)
    return counts
