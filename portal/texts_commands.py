"""``flask texts``: what people consent to (协议文本), listed and published."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.members.queries import current_text
from loyalty.members.rules.consents import Purpose, TextVersion
from loyalty.members.service import publish_text
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

_ACTOR = Actor("system:command_line")

texts = AppGroup("texts", help="What people consent to (协议文本): list it, publish a new version.")


@texts.command("list")
def list_command() -> None:
    """Tell which version of each text is in force."""
    for purpose in Purpose:
        text = run(container().database, lambda session, purpose=purpose: current_text(session, purpose=purpose))  # type: ignore[misc]
        click.echo(f"{purpose}: {text.version}, {text.title}, {len(text.body)} characters")


@texts.command("publish")
@click.argument("purpose", type=click.Choice([purpose.value for purpose in Purpose]))
@click.argument("version")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", help="As the page is headed; that of the version in force by default.")
def publish_command(purpose: str, version: str, file: Path, title: str | None) -> None:
    """Put a version in force at once, from a file in UTF-8; versions before it and consents to them are kept."""
    body, version = _read(file), version.strip()
    if not (body and version):
        raise click.ClickException("A text has a version and a body.")

    def work(session: "Session") -> TextVersion:
        heading = title or current_text(session, purpose=Purpose(purpose)).title
        text = TextVersion(Purpose(purpose), version, heading, body)
        publish_text(session, text=text, actor=_ACTOR, at=container().clock.now())
        return text

    try:
        text = run(container().database, work)
    except LoyaltyError as error:
        raise click.ClickException(f"{error.code}: {error.message}") from error
    click.echo(f"{purpose} {version} is in force: {text.title}, {len(body)} characters")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not a text in UTF-8.") from error
