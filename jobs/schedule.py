"""The schedule: every periodic job is one line of data, with its time in the programme's zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from jobs.queues import DEFAULT, NIGHTLY


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """What runs, when, and where; either ``daily_at`` or ``every_minutes`` is set."""

    name: str
    function: str
    """``module:function`` in this package; called with its ``PeriodicRun``, returns counts."""
    queue: str
    timeout_seconds: int
    daily_at: time | None = None
    every_minutes: int | None = None


JOBS: Sequence[PeriodicJob] = (
    PeriodicJob("resolve_stale_sending", "jobs.upkeep:resolve_stale_sending", DEFAULT, 120, every_minutes=1),
    PeriodicJob("release_expired_holds", "jobs.ledger:release_expired_holds", DEFAULT, 300, every_minutes=1),
    PeriodicJob("release_run_out_locks", "jobs.coupons:release_run_out_locks", DEFAULT, 300, every_minutes=5),
    PeriodicJob("settle_expired_reviews", "jobs.upkeep:settle_expired_reviews", DEFAULT, 300, every_minutes=5),
    PeriodicJob("settle_referrals", "jobs.referrals:settle_referrals", DEFAULT, 600, every_minutes=5),
    PeriodicJob("accrue_commissions", "jobs.commissions:accrue_commissions", DEFAULT, 3600, every_minutes=5),
    PeriodicJob("approve_commissions", "jobs.commissions:approve_commissions", DEFAULT, 3600, every_minutes=30),
    PeriodicJob("take_due_payout_steps", "jobs.payouts:take_due_steps", DEFAULT, 120, every_minutes=1),
    PeriodicJob("cancel_overdue_payouts", "jobs.payouts:cancel_overdue", DEFAULT, 300, every_minutes=15),
    PeriodicJob("watch_payouts", "jobs.payouts:watch_payouts", DEFAULT, 120, every_minutes=30),
    PeriodicJob("reconcile_payouts", "jobs.payouts:reconcile_bills", DEFAULT, 600, every_minutes=60),
    PeriodicJob("roll_points", "jobs.rollups:roll_points", DEFAULT, 600, every_minutes=1),
    PeriodicJob("recount_days", "jobs.rollups:recount_days", DEFAULT, 600, every_minutes=5),
    PeriodicJob("recount_standings", "jobs.rollups:recount_standings", DEFAULT, 600, every_minutes=30),
    PeriodicJob("take_due_receipt_steps", "jobs.payout_receipts:take_due_steps", DEFAULT, 120, every_minutes=5),
    PeriodicJob("carry_on_broadcasts", "jobs.broadcasts:carry_on", DEFAULT, 120, every_minutes=1),
    PeriodicJob("keep_time_of_campaigns", "jobs.campaigns:keep_time", DEFAULT, 120, every_minutes=1),
    PeriodicJob("act_on_due_entries", "jobs.campaigns:act_on_due", DEFAULT, 600, every_minutes=1),
    PeriodicJob("carry_on_bulk_work", "jobs.bulk:carry_on", DEFAULT, 120, every_minutes=1),
    PeriodicJob("release_held_notices", "jobs.upkeep:release_held_notices", DEFAULT, 600, every_minutes=5),
    PeriodicJob("plan_expiry_notices", "jobs.expiry:plan_expiry_notices", NIGHTLY, 2 * 3600, daily_at=time(6)),
    PeriodicJob("grant_expiry_graces", "jobs.expiry:grant_expiry_graces", NIGHTLY, 2 * 3600, daily_at=time(20)),
    PeriodicJob("expire_lots", "jobs.expiry:expire_lots", NIGHTLY, 2 * 3600, daily_at=time(1)),
    PeriodicJob("expire_coupons", "jobs.coupons:expire_coupons", NIGHTLY, 2 * 3600, daily_at=time(1, 15)),
    PeriodicJob("plan_coupon_reminders", "jobs.coupons:plan_reminders", NIGHTLY, 2 * 3600, daily_at=time(6, 15)),
    PeriodicJob("reward_birthdays", "jobs.earning:reward_birthdays", NIGHTLY, 2 * 3600, daily_at=time(7)),
    PeriodicJob("catch_up_commissions", "jobs.commissions:catch_up_commissions", NIGHTLY, 3600, daily_at=time(4, 45)),
    PeriodicJob(
        "tell_approved_commissions", "jobs.money_notices:tell_approved_commissions", NIGHTLY, 3600, daily_at=time(9)
    ),
    PeriodicJob("plan_payout_batch", "jobs.payouts:plan_batch", NIGHTLY, 600, daily_at=time(10)),
    PeriodicJob("seal_ledger", "jobs.ledger:seal_ledger", NIGHTLY, 3600, daily_at=time(0, 30)),
    PeriodicJob("evaluate_tiers", "jobs.tiers:evaluate_tiers", NIGHTLY, 2 * 3600, daily_at=time(0, 45)),
    PeriodicJob("keep_automatic_tags", "jobs.segments:keep_automatic_tags", NIGHTLY, 600, daily_at=time(5, 30)),
    PeriodicJob("erase_closed_members", "jobs.privacy:erase_closed_members", NIGHTLY, 3600, daily_at=time(2)),
    PeriodicJob(
        "erase_unconfirmed_members", "jobs.privacy:erase_unconfirmed_members", NIGHTLY, 3600, daily_at=time(2, 15)
    ),
    PeriodicJob("verify_ledger", "jobs.ledger:verify_ledger", NIGHTLY, 3 * 3600, daily_at=time(3)),
    PeriodicJob("forget_sightings", "jobs.risk:forget_sightings", NIGHTLY, 3600, daily_at=time(4, 15)),
    PeriodicJob("sync_template_libraries", "jobs.library:sync_template_libraries", NIGHTLY, 600, daily_at=time(5)),
    PeriodicJob("purge_leftovers", "jobs.upkeep:purge_leftovers", NIGHTLY, 3600, daily_at=time(4)),
)


def job_named(name: str) -> PeriodicJob:
    """Return a line of the schedule; a name that is not on it is a programming error."""
    return next(job for job in JOBS if job.name == name)
