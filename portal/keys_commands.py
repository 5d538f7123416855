"""``flask keys``: seal personal data under a new key, and see what is still under an older one."""

import sys

import click
from flask.cli import AppGroup

from loyalty.kernel.transaction import run
from loyalty.privacy.service import count_by_key, rotate_keys
from portal.context import container

keys = AppGroup("keys", help="Keys of personal data (DATA_KEYS): rotate them, see which are in use.")


@keys.command("rotate")
def rotate_command() -> None:
    """Seal everything anew that is not under the first key of DATA_KEYS; safe to repeat."""
    unreadable = 0
    for column in rotate_keys(container().database, vault=container().vault):
        click.echo(f"{column.name}: {column.resealed} sealed anew")
        if column.unreadable:
            click.echo(f"{column.name}: {column.unreadable} cannot be opened with any key of DATA_KEYS", err=True)
        unreadable += column.unreadable
    if unreadable:
        sys.exit(1)


@keys.command("status")
def status_command() -> None:
    """Tell how many values are sealed under each key."""
    vault = container().vault
    uses = run(container().database, count_by_key)
    for use in uses:
        missing = "" if use.key_id in vault.ring else ", which is not in DATA_KEYS"
        click.echo(f"{use.column}: {use.values} under {use.key_id}{missing}")
    older = sum(use.values for use in uses if use.key_id != vault.current_key_id)
    if older:
        click.echo(f"{older} values are not under {vault.current_key_id}, the current key. Run: flask keys rotate")
    else:
        click.echo(f"Everything is under {vault.current_key_id}; the other keys can be removed from DATA_KEYS.")
