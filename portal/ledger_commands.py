"""``flask ledger``: prove the books and seal them, by hand or from a schedule."""

import sys
from datetime import datetime, timedelta
from functools import partial

import click
from flask.cli import AppGroup

from loyalty.earnings import service as earnings
from loyalty.kernel.clock import business_date
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.payouts.verification import verify as verify_payouts
from loyalty.points.service import seal, verify
from loyalty.reports.rollups import rolling
from loyalty.reports.rollups.verification import verify as verify_rollups
from portal.context import container

ledger = AppGroup("ledger", help="Prove and seal the ledgers of points and of money (积分与收益账本).")


@ledger.command("verify")
@click.option(
    "--member", "member_id", type=click.IntRange(1, 2**63 - 1), help="Only this member's books; seals are left out."
)
def verify_command(member_id: int | None) -> None:
    """Recompute balances, chains, seals and roll-ups, of points and of money; exit with 1 when a row does not fit."""
    database, settings, at = container().database, container().settings, container().clock.now()
    result = run(database, lambda session: verify(session, seal_key=settings.seal_key, at=at, member_id=member_id))
    money = run(
        database, lambda session: earnings.verify(session, seal_key=settings.seal_key, at=at, member_id=member_id)
    )
    paid = run(database, lambda session: verify_payouts(session, member_id=member_id))
    rolled = run(database, partial(verify_rollups, zone=container().zone)) if member_id is None else []
    discrepancies = [*result.discrepancies, *money.discrepancies, *paid, *rolled]
    if member_id is not None and not (result.accounts_count or money.accounts_count or discrepancies):
        raise click.ClickException(f"Member {member_id} has no points account.")
    click.echo(
        f"{result.accounts_count} accounts, {result.entries_count} entries and {result.seals_count} seals examined."
    )
    click.echo(
        f"{money.accounts_count} money accounts, {money.entries_count} entries and {money.seals_count} seals examined."
    )
    for found in discrepancies:
        of_member = "" if found.member_id is None else f" of member {found.member_id}"
        click.echo(f"{found.table} {found.row}{of_member}: {found.reason}", err=True)
    if discrepancies:
        sys.exit(1)
    click.echo("Everything fits.")


@ledger.command("seal")
@click.option(
    "--on", type=click.DateTime(["%Y-%m-%d"]), help="The last business date to seal; yesterday when left out."
)
def seal_command(on: datetime | None) -> None:
    """Seal a business date of points and of money, and every day missed since the last seal."""
    settings, zone, at = container().settings, container().zone, container().clock.now()
    day = on.date() if on is not None else business_date(at, zone) - timedelta(days=1)
    try:
        of_points, of_money = (
            run(
                container().database,
                partial(seal_book, seal_key=settings.seal_key, on=day, zone=zone, at=at),
            )
            for seal_book in (seal, earnings.seal)
        )
    except LoyaltyError as error:
        raise click.ClickException(f"{error.message} ({error.code})") from error
    click.echo(f"{of_points} seals of points and {of_money} of money made; sealed until the end of {day.isoformat()}.")


@ledger.command("rebuild-rollups")
def rebuild_rollups_command() -> None:
    """Throw the roll-ups of the boards away and build them again from the rows; boards stay right meanwhile."""
    database, zone, at = container().database, container().zone, container().clock.now()
    run(database, rolling.forget_everything)
    for step in (partial(rolling.roll_points, zone=zone), partial(rolling.recount_days, zone=zone, at=at)):
        while run(database, step):
            pass
    click.echo("Built again; `flask ledger verify` proves them.")
