"""``flask demo``: fill a trial with a chain to look at, and list who can log in."""

import time

import click
from flask.cli import AppGroup

from loyalty.staff.rules import ROLE_NAMES
from portal.context import container
from portal.demo import addresses
from portal.demo.clerk import NICKNAME
from portal.demo.people import MEMBERS
from portal.demo.seed import seed
from portal.demo.staff import PASSWORD, STAFF

group = AppGroup("demo", help="The demo chain of a trial (演示数据).")


@group.command("seed")
@click.option("--members", type=click.IntRange(0, 9999), default=MEMBERS, show_default=True, help="How many members.")
def seed_command(members: int) -> None:
    """Make the demo chain; what is there already stays as it is."""
    _refuse_in_production()
    started_at = time.monotonic()
    for line in seed(container(), members=members):
        click.echo(line)
    click.echo(f"演示数据已就绪 · The demo chain is ready ({time.monotonic() - started_at:.1f} s)")


@group.command("accounts")
def accounts_command() -> None:
    """List the demo accounts with their password, and where to log in."""
    _refuse_in_production()
    base, sandbox_url = container().settings.public_base_url, container().settings.wechat_sandbox_url
    click.echo(f"演示账号 Demo accounts · 密码均为 password of all: {PASSWORD}")
    for person in STAFF:
        click.echo(f"  {person.username:<16} {ROLE_NAMES[person.role]} · {person.name}")
    click.echo(f"  后台登录 Log in           {base}{addresses.path_of('console.login')}")
    click.echo(f"  会员卡页面 Member card     {base}{addresses.path_of('h5.card')}")
    if sandbox_url:
        click.echo(f"  模拟手机 Simulated phone  {sandbox_url}/")
        click.echo(
            f"  店员核销 Clerk page       {base}{addresses.path_of('h5.clerk')} （手机选「{NICKNAME}」，扫一扫此地址）"
        )


def _refuse_in_production() -> None:
    if container().settings.is_production:
        raise click.ClickException("演示数据不能用于生产环境 · Production takes no demo data.")
