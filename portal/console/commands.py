"""``flask staff``: accounts made at the terminal, such as the first one."""

from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.staff import passwords, service
from loyalty.staff.rules import Role
from loyalty.stores import queries as stores
from loyalty.stores.rules import StoreKind
from loyalty.stores.service import create_store
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

ACTOR = Actor("system:command_line")
HEADQUARTERS_CODE = "HQ"

group = AppGroup("staff", help="Accounts of the people who use the console (员工).")


@group.command("create")
@click.argument("username")
@click.option("--name", required=True, help="The person's name, as others see it.")
@click.option("--role", "roles", type=click.Choice([role.value for role in Role]), multiple=True, required=True)
@click.option(
    "--store",
    "codes",
    multiple=True,
    default=(HEADQUARTERS_CODE,),
    show_default=True,
    help="Code of a node of the store tree that they see, with all below it.",
)
def create(username: str, name: str, roles: tuple[str, ...], codes: tuple[str, ...]) -> None:
    """Create an account and print its first password, which is changed at the first log-in.

    Where there is no headquarters yet, it is made with the code HQ.
    """
    at, password = container().clock.now(), passwords.generate()

    def work(session: "Session") -> None:
        service.create_staff(
            session,
            username=username,
            name=name,
            password=password,
            roles=[Role(role) for role in roles],
            store_ids=[_store_id(session, code) for code in codes],
            actor=ACTOR,
            at=at,
        )

    try:
        run(container().database, work)
    except LoyaltyError as error:
        raise click.ClickException(f"{error.code}: {error.message}") from error
    click.echo(f"Created {username}. First password, shown only now: {password}")


def _store_id(session: "Session", code: str) -> int:
    store = stores.find_by_code(session, code=code)
    if store is not None:
        return store.id
    if code != HEADQUARTERS_CODE:
        raise click.ClickException(f"No store has the code {code!r}.")
    made = create_store(
        session,
        kind=StoreKind.HEADQUARTERS,
        parent_id=None,
        code=HEADQUARTERS_CODE,
        name=container().settings.programme_name,
        actor=ACTOR,
        at=container().clock.now(),
    )
    return made.id
