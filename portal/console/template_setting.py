"""The form of a template setting (模板设置): which template carries a notice, and which facts stand under its keys."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.channels import library, queries, service
from loyalty.channels.library import LibraryView
from loyalty.channels.rules import MappingRefused, labels_of
from loyalty.channels.rules.templates import MarketingByTemplateMessage, TemplateChannel
from loyalty.channels.service.templates import TemplateSettings
from loyalty.kernel.transaction import run
from loyalty.notices.rules import KINDS, NoticeKind, kind_of
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.notices import FACT_NAMES
from portal.console.template_library import account_names, account_of
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FIELD = "field_"
"""What stands before a template's key in the name of its field."""
LINKS = ("url", "mini_program_appid", "page")


@blueprint.get("/templates/setting")
@requires(Permission.NOTICES_WRITE)
def template_setting() -> str:
    """Show the form: first for which account and notice, then which template, then what stands under its keys."""
    appid, kind = forms.text("appid"), forms.text("kind")
    if not (appid and kind):
        return render_template("console/template_setting.html", accounts=account_names(), kinds=KINDS, appid=appid)
    return _form(appid, kind_of(kind), forms.text("template_id"))


@blueprint.post("/templates/setting")
@requires(Permission.NOTICES_WRITE)
def save_template_setting() -> Response | tuple[str, int]:
    """Keep how a notice becomes a message, when every notice of its kind fits."""
    for_the_chain()
    appid, kind, template_id = forms.text("appid"), kind_of(forms.text("kind")), forms.text("template_id")
    account_of(appid)
    mapping = {name.removeprefix(FIELD): forms.text(name) for name in request.form if name.startswith(FIELD)}
    links = {name: forms.text(name) for name in LINKS}
    at = container().clock.now()

    def work(session: "Session") -> None:
        template = library.find_template(session, appid=appid, template_id=template_id)
        settings = TemplateSettings(
            template_id=template_id,
            title=template.title if template else "",
            mapping=mapping,
            is_enabled=_is_switched_on(),
            **{name: value or None for name, value in links.items()},
        )
        service.save_template(
            session,
            appid=appid,
            notice_kind=kind,
            channel=_channel(appid),
            settings=settings,
            facts=KINDS[kind].facts,
            actor=actor(),
            at=at,
        )

    try:
        run(container().database, work)
    except (MappingRefused, MarketingByTemplateMessage) as error:
        problems = error.details.get("problems", [error.message])
        return _form(appid, kind, template_id, typed=mapping | links, problems=problems), status_of(error)
    flash("已保存", "success")
    return redirect(url_for("console.template_library"), 303)


def _form(
    appid: str, kind: NoticeKind, template_id: str, *, typed: Mapping[str, str] | None = None, problems: Any = ()
) -> str:
    account_of(appid)

    def read(session: "Session") -> tuple[Sequence[LibraryView], Any]:
        known = queries.list_templates(session, appid=appid)
        setting = next((one for one in known if (one.notice_kind, one.channel) == (kind, _channel(appid))), None)
        return [one for one in library.list_library(session, appid=appid) if one.gone_at is None], setting

    templates, setting = run(container().database, read)
    wanted = template_id or (setting.template_id if setting else "")
    template = next((one for one in templates if one.template_id == wanted), None)
    return render_template(
        "console/template_setting.html",
        accounts=account_names(),
        kinds=KINDS,
        appid=appid,
        kind=kind,
        templates=templates,
        template=template,
        labels={one.template_id: labels_of(one.content) for one in templates},
        values=typed if typed is not None else _values(setting),
        is_enabled=_is_switched_on() if typed is not None else setting is None or setting.is_enabled,
        is_official_account=_channel(appid) is TemplateChannel.TEMPLATE,
        facts={name: (FACT_NAMES.get(name, name), sort) for name, sort in KINDS[kind].facts.items()},
        problems=problems,
        field=FIELD,
    )


def _is_switched_on() -> bool:
    return forms.text("is_enabled") == "yes"


def _values(setting: Any) -> Mapping[str, str]:
    if setting is None:
        return {}
    return {**setting.mapping, **{name: getattr(setting, name) or "" for name in LINKS}}


def _channel(appid: str) -> TemplateChannel:
    is_official_account = appid in container().official_accounts
    return TemplateChannel.TEMPLATE if is_official_account else TemplateChannel.SUBSCRIPTION
