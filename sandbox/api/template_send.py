"""Template messages (模板消息) of an Official Account and the event that tells their outcome."""

from typing import Any

from sandbox import messages, templates, users
from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError
from sandbox.follows import is_follower
from sandbox.message_data import render_template
from sandbox.push import event
from sandbox.receivers import linked_page, message_id, receiver

REMEMBERED = 600
"""Seconds for which the same client_msg_id to the same person sends nothing new."""


@endpoint("/cgi-bin/message/template/send", kind="oa", day=100_000)
def send(call: Call) -> Answer:
    """Sends one message to a follower."""
    world, account = call.world, call.account
    user_id = receiver(call)
    template = templates.find(
        world, appid=account.appid, template_id=call.text("template_id", refuse=40037), kind="template"
    )
    if not is_follower(world, appid=account.appid, user_id=user_id):
        raise ApiError(43004)
    page = linked_page(call)
    rendered = render_template(template, call.body.get("data"))
    known = _sent_before(call)
    if known is not None:
        return {**OK, "msgid": known}
    msgid = _remembered(call)
    refused = users.blocks(world, appid=account.appid, user_id=user_id)
    if not refused:
        messages.deliver(
            world, user_id=user_id, channel="template", appid=account.appid, title=template.title,
            fields=rendered.fields, url=_url(call), page=page, stripped=rendered.stripped,
        )  # fmt: skip
    extra = {"MsgID": msgid, "Status": "failed:user block" if refused else "success"}
    call.later(event(world, account=account, openid=call.body["touser"], name="TEMPLATESENDJOBFINISH", extra=extra))
    return {**OK, "msgid": msgid}


def _url(call: Call) -> str | None:
    url: Any = call.body.get("url")
    if url is not None and not isinstance(url, str):
        raise ApiError(47001)
    return url or None


def _sent_before(call: Call) -> int | None:
    """The msgid under which the same person got the same client_msg_id within ten minutes."""
    found = call.world.store.value(
        "SELECT msgid FROM client_messages WHERE appid = ? AND openid = ? AND client_msg_id = ? AND sent_at > ?",
        call.account.appid, call.body["touser"], str(call.body.get("client_msg_id") or ""),
        call.world.clock.now() - REMEMBERED,
    )  # fmt: skip
    return None if found is None else int(found)


def _remembered(call: Call) -> int:
    msgid = message_id(call)
    client_msg_id = call.body.get("client_msg_id")
    if client_msg_id:
        call.world.store.run(
            "INSERT OR REPLACE INTO client_messages VALUES (?, ?, ?, ?, ?)",
            call.account.appid, call.body["touser"], str(client_msg_id), msgid, call.world.clock.now(),
        )  # fmt: skip
    return msgid
