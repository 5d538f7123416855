"""The menu editor of an Official Account: fill in, check, preview, publish, go back to a version."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.channels import queries, service
from loyalty.channels.rules.menus import MenuInvalid
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.settings import WechatAccount
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.console.menu_form import TYPE_NAMES, Slot, buttons_of, slots_of, typed_slots
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@blueprint.get("/menus")
@requires(Permission.CHANNELS_READ)
def menu_list() -> Response | str:
    """List the Official Accounts; with a single one, lead to its menu."""
    accounts = [one for one in container().settings.wechat_accounts if one.kind == "oa"]
    if len(accounts) == 1:
        return redirect(url_for("console.menu_page", appid=accounts[0].appid), 303)
    return render_template("console/menu_list.html", accounts=accounts)


@blueprint.get("/menus/<appid>")
@requires(Permission.CHANNELS_READ)
def menu_page(appid: str) -> str:
    """Show the editor with the draft, or with the live menu when there is none."""
    return _page(_account(appid), slots=None, problems=())


@blueprint.post("/menus/<appid>")
@requires(Permission.CHANNELS_WRITE)
def save_menu(appid: str) -> Response | tuple[str, int]:
    """Keep what was filled in as the draft, when WeChat would take it."""
    account, at, slots = _account(appid), container().clock.now(), typed_slots(request.form)
    try:
        run(
            container().database,
            lambda session: service.save_menu_draft(
                session, appid=appid, buttons=buttons_of(slots), actor=actor(), at=at
            ),
        )
    except MenuInvalid as error:
        return _page(account, slots=slots, problems=_problems(error)), status_of(error)
    flash("草稿已保存，发布后粉丝才能看到", "success")
    return redirect(url_for("console.menu_page", appid=appid), 303)


@blueprint.post("/menus/<appid>/preview")
@requires(Permission.CHANNELS_READ)
def preview_menu(appid: str) -> str:
    """Show what was filled in as the phone would."""
    _account(appid)
    return render_template("console/_menu_preview.html", buttons=buttons_of(typed_slots(request.form)))


@blueprint.post("/menus/<appid>/publish")
@requires(Permission.CHANNELS_WRITE)
def publish_menu(appid: str) -> Response:
    """Put the draft live at WeChat."""
    account, at = container().official_account(_account(appid).appid), container().clock.now()
    try:
        # Not in a transaction: WeChat may take seconds to answer.
        service.publish_menu(container().database, account, actor=actor(), at=at)
    except LoyaltyError as error:
        flash(error.message, "danger")
    else:
        flash("已发布。已关注的粉丝最迟 5 分钟后，或重新进入公众号后看到新菜单", "success")
    return redirect(url_for("console.menu_page", appid=appid), 303)


@blueprint.post("/menus/<appid>/versions/<int:menu_id>/restore")
@requires(Permission.CHANNELS_WRITE)
def restore_menu(appid: str, menu_id: int) -> Response:
    """Make an earlier version the draft."""
    _account(appid)
    at = container().clock.now()
    return forms.act(
        lambda session: service.restore_menu(session, appid=appid, menu_id=menu_id, actor=actor(), at=at),
        done="已恢复为草稿，请检查后发布",
        back=url_for("console.menu_page", appid=appid),
    )


def _account(appid: str) -> WechatAccount:
    container().official_account(appid)
    return next(one for one in container().settings.wechat_accounts if one.appid == appid)


def _page(account: WechatAccount, *, slots: Sequence[Slot] | None, problems: Sequence[str]) -> str:
    def read(session: "Session") -> tuple[Any, Sequence[Any]]:
        return (
            queries.draft_menu(session, appid=account.appid),
            queries.menu_history(session, appid=account.appid),
        )

    draft, history = run(container().database, read)
    shown = draft or (history[0] if history else None)
    if slots is None:
        slots = slots_of(shown.buttons if shown else [])
    return render_template(
        "console/menu_page.html",
        account=account,
        slots=slots,
        buttons=buttons_of(slots),
        problems=problems,
        draft=draft,
        history=history,
        type_names=TYPE_NAMES,
    )


def _problems(error: MenuInvalid) -> list[str]:
    problems = error.details.get("problems")
    return [str(problem) for problem in problems] if isinstance(problems, list) else [error.message]
