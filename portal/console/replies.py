"""Automatic replies (自动回复) of an Official Account: welcome, keywords, menu clicks, all else."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.channels import queries, service
from loyalty.channels.rules.inducement import ValueForFollowingOrSharing, check_not_luring
from loyalty.channels.rules.menus import click_keys
from loyalty.channels.rules.replies import (
    KEYWORD_CHARACTERS_MAX,
    WITH_KEYWORD,
    ReplyBook,
    ReplyTrigger,
    answer_to,
    never_reached,
)
from loyalty.channels.service.replies import ReplyExists
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run
from loyalty.settings import WechatAccount
from loyalty.staff.rules import Permission
from portal.console import exports, forms, steps
from portal.console.access import actor, for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

TRIGGER_NAMES = {
    ReplyTrigger.WELCOME: "关注时",
    ReplyTrigger.EXACT: "完全匹配",
    ReplyTrigger.CONTAINS: "包含",
    ReplyTrigger.CLICK: "菜单 KEY",
    ReplyTrigger.DEFAULT: "其他消息",
}
STATE_NAMES = {"on": "启用", "off": "停用"}
HEADER = ("触发方式", "关键词", "回复内容", "状态", "提示", "修改时间")


@blueprint.get("/replies")
@requires(Permission.CHANNELS_READ)
def reply_accounts() -> Response | str:
    """List the Official Accounts; with a single one, lead to its replies."""
    accounts = [one for one in container().settings.wechat_accounts if one.kind == "oa"]
    if len(accounts) == 1:
        return redirect(page_of(accounts[0].appid), 303)
    return render_template("console/reply_accounts.html", accounts=accounts)


@blueprint.get("/replies/<appid>")
@requires(Permission.CHANNELS_READ)
def reply_list(appid: str) -> str:
    """List the replies that the filter leaves, in the order in which they are tried."""
    return _page(appid, said="")


@blueprint.post("/replies/<appid>/try")
@requires(Permission.CHANNELS_READ)
def try_reply(appid: str) -> str:
    """Show what would be said to a message; by POST, since people type what members wrote."""
    said = forms.text("said")
    if request.headers.get("HX-Request"):
        return render_template("console/_reply_trial.html", **_trial(_read(appid)["book"], said))
    return _page(appid, said=said)


@blueprint.get("/replies/<appid>/list.csv")
@requires(Permission.CHANNELS_READ)
def export_replies(appid: str) -> Response:
    """Download what the filter shows."""
    known = _read(appid)
    rows = [
        (
            TRIGGER_NAMES[ReplyTrigger(one.trigger)],
            one.keyword,
            one.text,
            STATE_NAMES["on" if one.is_enabled else "off"],
            "；".join(known["hints"].get(one.id, ())),
            one.updated_at,
        )
        for one in known["shown"]
    ]
    return exports.csv_response("replies", HEADER, rows)


@blueprint.get("/replies/<appid>/new")
@requires(Permission.CHANNELS_WRITE)
def new_reply(appid: str) -> str:
    """Show the form for a new reply; the key of a menu button may come along."""
    keyword = forms.text("keyword")
    trigger = ReplyTrigger.CLICK if keyword else ReplyTrigger.CONTAINS
    return _form(appid, None, {"trigger": trigger, "keyword": keyword, "text": ""})


@blueprint.post("/replies/<appid>")
@requires(Permission.CHANNELS_WRITE)
def add_reply(appid: str) -> Response | tuple[str, int]:
    """Add a reply."""
    return _save(appid, None)


@blueprint.get("/replies/<appid>/<int:reply_id>")
@requires(Permission.CHANNELS_WRITE)
def edit_reply(appid: str, reply_id: int) -> str:
    """Show a reply in the form."""
    reply = run(container().database, lambda session: queries.get_reply(session, appid=appid, reply_id=reply_id))
    return _form(appid, reply_id, {"trigger": reply.trigger, "keyword": reply.keyword, "text": reply.text})


@blueprint.post("/replies/<appid>/<int:reply_id>")
@requires(Permission.CHANNELS_WRITE)
def change_reply(appid: str, reply_id: int) -> Response | tuple[str, int]:
    """Change a reply."""
    return _save(appid, reply_id)


@blueprint.post("/replies/<appid>/<int:reply_id>/switch")
@requires(Permission.CHANNELS_WRITE)
def switch_reply(appid: str, reply_id: int) -> Response:
    """Let a reply be given, or not for the time being."""
    is_enabled = forms.text("is_enabled") == "yes"
    step = partial(service.switch_reply, is_enabled=is_enabled)
    return _take(step, appid, reply_id, done="已启用" if is_enabled else "已停用")


@blueprint.post("/replies/<appid>/<int:reply_id>/raise")
@requires(Permission.CHANNELS_WRITE)
def raise_reply(appid: str, reply_id: int) -> Response:
    """Try a reply one place earlier."""
    return _take(service.raise_reply, appid, reply_id, done="已上移")


@blueprint.post("/replies/<appid>/<int:reply_id>/delete")
@requires(Permission.CHANNELS_WRITE)
def delete_reply(appid: str, reply_id: int) -> Response:
    """Remove a reply."""
    return _take(service.delete_reply, appid, reply_id, done="已删除")


def page_of(appid: str) -> str:
    """Return the address of an account's replies."""
    return url_for("console.reply_list", appid=appid)


def _take(step: Any, appid: str, reply_id: int, *, done: str) -> Response:
    for_the_chain()
    return steps.take(partial(step, appid=appid, reply_id=reply_id), done=done, back=page_of(appid))


def _account(appid: str) -> WechatAccount:
    container().official_account(appid)
    return next(one for one in container().settings.wechat_accounts if one.appid == appid)


def _read(appid: str) -> dict[str, Any]:
    account = _account(appid)
    trigger, state = forms.optional_choice("trigger", ReplyTrigger), forms.text("state")
    text = forms.text("text").casefold()
    if state and state not in STATE_NAMES:
        raise forms.InvalidField(field="state")

    def read(session: "Session") -> tuple[Sequence[Any], ReplyBook, Sequence[Any]]:
        replies = queries.list_replies(session, appid=appid)
        return replies, queries.reply_book(session, appid=appid), queries.menu_history(session, appid=appid)

    replies, book, menus = run(container().database, read)
    shown = [
        one
        for one in replies
        if trigger in (None, one.trigger)
        and (not state or one.is_enabled == (state == "on"))
        and (text in one.keyword.casefold() or text in one.text.casefold())
    ]
    keys = click_keys(menus[0].buttons) if menus else []
    return {
        "account": account,
        "shown": shown,
        "book": book,
        "hints": {one.id: hints for one in shown if (hints := _hints(one, never_reached(book), keys))},
        "unanswered": [key for key in keys if key not in book.clicks],
    }


def _hints(reply: Any, unreached: Mapping[str, str], keys: Sequence[str]) -> list[str]:
    hints = []
    if reply.is_enabled and reply.trigger == ReplyTrigger.CONTAINS and reply.keyword in unreached:
        hints.append(f"永远轮不到：前面的「{unreached[reply.keyword]}」总是先匹配")
    if reply.trigger == ReplyTrigger.CLICK and reply.keyword not in keys:
        hints.append("线上菜单没有这个 KEY")
    try:
        check_not_luring([reply.text])
    except ValueForFollowingOrSharing as error:
        hints.append(f"诱导关注或分享：{error.details['text']}")
    return hints


def _page(appid: str, *, said: str) -> str:
    known = _read(appid)
    return render_template(
        "console/reply_list.html",
        filters={name: request.args.get(name, "") for name in ("trigger", "state", "text")},
        state_names=STATE_NAMES,
        **_trial(known["book"], said),
        **known,
    )


def _trial(book: ReplyBook, said: str) -> dict[str, Any]:
    return {"said": said, "found": answer_to(book, said) if said else None, "trigger_names": TRIGGER_NAMES}


def _form(appid: str, reply_id: int | None, values: Mapping[str, str], *, problem: str = "") -> str:
    return render_template(
        "console/reply_form.html",
        account=_account(appid),
        reply_id=reply_id,
        values=values,
        problem=problem,
        trigger_names=TRIGGER_NAMES,
        with_keyword=WITH_KEYWORD,
        keyword_max=KEYWORD_CHARACTERS_MAX,
    )


def _save(appid: str, reply_id: int | None) -> Response | tuple[str, int]:
    for_the_chain()
    _account(appid)
    values = {
        "trigger": forms.text("trigger"),
        "keyword": forms.text("keyword"),
        "text": request.form.get("text", "").replace("\r\n", "\n").strip(),
    }
    step = partial(
        service.add_reply if reply_id is None else partial(service.change_reply, reply_id=reply_id),
        appid=appid,
        trigger=forms.parsed_choice("trigger", values["trigger"], ReplyTrigger),
        keyword=values["keyword"],
        text=values["text"],
        actor=actor(),
        at=container().clock.now(),
    )
    try:
        run(container().database, lambda session: step(session))
    except (InvalidInput, ReplyExists) as error:
        return _form(appid, reply_id, values, problem=_told(error)), status_of(error)
    flash("已保存，几秒后生效", "success")
    return redirect(page_of(appid), 303)


def _told(error: InvalidInput | ReplyExists) -> str:
    if isinstance(error, ReplyExists):
        return error.message
    lure = error.details.get("text")
    return f"{error.message}：“{lure}”" if lure else forms.reason_of(error)
