"""``flask ledger``: prove the books and seal them, by hand or from a schedule."""

import sys
from datetime import datetime, timedelta

import click
from flask.cli import AppGroup

from loyalty.kernel.clock import business_date
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.points.service import seal, verify
from portal.context import container

ledger = AppGroup("ledger", help="Prove and seal the points ledger (积分账本).")


@ledger.command("verify")
@click.option(
    "--member", "member_id", type=click.IntRange(1, 2**63 - 1), help="Only this member's books; seals are left out."
)
def verify_command(member_id: int | None) -> None:
    """Recompute balances, chains and seals; exit with 1 when a row does not fit."""
    settings, at = container().settings, container().clock.now()
    result = run(
        container().database,
        lambda session: verify(session, seal_key=settings.seal_key, at=at, member_id=member_id),
    )
    if member_id is not None and not result.accounts_count and result.is_green:
        raise click.ClickException(f"Member {member_id} has no points account.")
    click.echo(
        f"{result.accounts_count} accounts, {result.entries_count} entries and {result.seals_count} seals examined."
    )
    for found in result.discrepancies:
        of_member = "" if found.member_id is None else f" of member {found.member_id}"
        click.echo(f"{found.table} {found.row}{of_member}: {found.reason}", err=True)
    if not result.is_green:
        sys.exit(1)
    click.echo("Everything fits.")


@ledger.command("seal")
@click.option(
    "--on", type=click.DateTime(["%Y-%m-%d"]), help="The last business date to seal; yesterday when left out."
)
def seal_command(on: datetime | None) -> None:
    """Seal a business date, and every day missed since the last seal."""
    settings, zone, at = container().settings, container().zone, container().clock.now()
    day = on.date() if on is not None else business_date(at, zone) - timedelta(days=1)
    try:
        made = run(
            container().database,
            lambda session: seal(session, seal_key=settings.seal_key, on=day, zone=zone, at=at),
        )
    except LoyaltyError as error:
        raise click.ClickException(f"{error.message} ({error.code})") from error
    click.echo(f"{made} seals made; sealed until the end of {day.isoformat()}.")
