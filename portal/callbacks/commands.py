"""Commands for what stands at WeChat: ``flask menu publish``."""

import json
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext

from loyalty.channels import service
from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from portal.context import container

group = AppGroup("menu", help="Menus of the Official Accounts (自定义菜单).")
_ACTOR = Actor("cli")


@group.command("publish")
@click.option("--appid", help="The Official Account; may be left out when there is only one.")
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON file with the buttons; without it the saved draft is published.",
)
@with_appcontext
def publish(appid: str | None, path: Path | None) -> None:
    """Publish the menu draft of an Official Account."""
    at = container().clock.now()
    try:
        account = container().official_account(appid or _only_account())
        if path is not None:
            _save_draft(account.appid, _buttons_in(path))
        menu_id = service.publish_menu(container().database, account, actor=_ACTOR, at=at)
    except LoyaltyError as error:
        raise click.ClickException(_told(error)) from error
    click.echo(f"菜单已发布：{account.appid}，版本 {menu_id}")


def _only_account() -> str:
    appids = list(container().official_accounts)
    if len(appids) != 1:
        raise click.UsageError(f"--appid is needed: {', '.join(appids) or 'no Official Account is configured'}")
    return appids[0]


def _buttons_in(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        buttons = content["button"] if isinstance(content, dict) else content
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(f"{path} 不是菜单文件：{error}") from error
    if not isinstance(buttons, list):
        raise click.ClickException(f"{path} 不是菜单文件：应为按钮列表")
    return buttons


def _save_draft(appid: str, buttons: list[dict[str, Any]]) -> None:
    run(
        container().database,
        lambda session: service.save_menu_draft(
            session, appid=appid, buttons=buttons, actor=_ACTOR, at=container().clock.now()
        ),
    )


def _told(error: LoyaltyError) -> str:
    problems = error.details.get("problems") or [error.details.get("reason")]
    told = "；".join(str(problem) for problem in problems if problem) if isinstance(problems, list) else ""
    return f"{error.message}：{told}" if told else error.message
