"""The template library (模板库): the templates at WeChat, and whether what is set still fits them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.channels import library, service
from loyalty.channels.library import CheckedSetting
from loyalty.channels.service.library import Account
from loyalty.kernel.errors import LoyaltyError, NotFound
from loyalty.kernel.transaction import run
from loyalty.notices.mappings import check_settings
from loyalty.notices.rules import KINDS, Channel
from loyalty.staff.rules import Permission
from portal.console import exports, forms, steps
from portal.console.access import for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.notices import CHANNEL_NAMES
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

STATE_NAMES = {"broken": "需要修正", "unknown": "未校验", "fits": "正常", "off": "停用"}
STATE_COLOURS = {"broken": "red", "unknown": "orange", "fits": "green", "off": "secondary"}
HEADER = ("账号", "消息", "渠道", "模板标题", "模板编号", "状态", "问题")


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One template setting as the page shows it."""

    checked: CheckedSetting
    account: str
    kind: str
    channel: str
    state: str


class AccountUnknown(NotFound):
    """No account with this appid is registered."""

    code = "wechat_account_unknown"
    message = "没有登记这个微信账号"


@blueprint.get("/templates")
@requires(Permission.NOTICES_READ)
def template_library() -> str:
    """Show the settings that the filter leaves with what is wrong with them, and the library."""

    def read(session: "Session") -> dict[str, Any]:
        return {
            "rows": _rows(session),
            "syncs": library.last_syncs(session),
            "templates": library.list_library(session, appid=forms.text("appid") or None),
        }

    return render_template(
        "console/template_library.html",
        accounts=account_names(),
        filters={name: forms.text(name) for name in ("appid", "state")},
        state_names=STATE_NAMES,
        colours=STATE_COLOURS,
        **run(container().database, read),
    )


@blueprint.get("/templates.csv")
@requires(Permission.NOTICES_READ)
def export_template_settings() -> Response:
    """Download the settings that the filter leaves."""
    rows = [
        (
            row.account,
            row.kind,
            row.channel,
            row.checked.setting.title,
            row.checked.setting.template_id,
            STATE_NAMES[row.state],
            "；".join(row.checked.problems),
        )
        for row in run(container().database, _rows)
    ]
    return exports.csv_response("message-templates", HEADER, rows)


@blueprint.post("/templates/sync")
@requires(Permission.NOTICES_WRITE)
def sync_templates() -> Response:
    """Ask WeChat now which templates an account has."""
    for_the_chain()
    account, at = account_of(forms.text("appid")), container().clock.now()
    try:
        # Not in a transaction: WeChat may take seconds to answer.
        synced = service.sync_library(container().database, account, at=at)
    except LoyaltyError as error:
        flash(f"没有同步成功：{error.details.get('reason') or error.message}", "danger")
    else:
        flash(f"已同步 {synced.templates} 个模板" + (f"，{synced.gone} 个已被删除" if synced.gone else ""), "success")
    return redirect(url_for("console.template_library"), 303)


@blueprint.post("/templates/<int:setting_id>/delete")
@requires(Permission.NOTICES_WRITE)
def delete_template_setting(setting_id: int) -> Response:
    """Stop sending a notice by a template."""
    for_the_chain()

    def step(session: "Session", **known: Any) -> None:
        service.delete_template(session, template_setting_id=setting_id, **known)

    return steps.take(step, done="已删除，这种消息不再通过该模板发送", back=url_for("console.template_library"))


def account_of(appid: str) -> Account:
    """Return one of our accounts of either kind.

    Raises:
        AccountUnknown: see the class.
    """
    found = container().official_accounts.get(appid) or container().mini_programs.get(appid)
    if found is None:
        raise AccountUnknown(appid=appid)
    return found


def account_names() -> dict[str, str]:
    """Return the names of all our accounts, by their appids."""
    return {one.appid: one.name for one in container().settings.wechat_accounts}


def _rows(session: "Session") -> Sequence[SettingRow]:
    appid, state, names = forms.text("appid"), forms.text("state"), account_names()
    if state and state not in STATE_NAMES:
        raise forms.InvalidField(field="state")
    titles: dict[str, str] = {kind: definition.title for kind, definition in KINDS.items()}
    rows = [
        SettingRow(
            checked=one,
            account=names.get(one.setting.appid, one.setting.appid),
            kind=titles.get(one.setting.notice_kind, one.setting.notice_kind),
            channel=CHANNEL_NAMES[Channel(one.setting.channel)],
            state=_state(one),
        )
        for one in check_settings(session)
        if appid in ("", one.setting.appid)
    ]
    return [row for row in rows if state in ("", row.state)]


def _state(one: CheckedSetting) -> str:
    if not one.setting.is_enabled:
        return "off"
    if one.problems:
        return "broken"
    return "fits" if one.is_checked else "unknown"
