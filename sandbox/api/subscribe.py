"""Subscription messages: of a mini program (订阅消息) and of an Official Account (订阅通知). Each uses one grant up."""

from sandbox import grants, messages, templates, users
from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError
from sandbox.message_data import render_subscription
from sandbox.push import event
from sandbox.receivers import check_page, linked_page, message_id, receiver

STATES = ("formal", "trial", "developer")
LANGUAGES = ("zh_CN", "en_US", "zh_HK", "zh_TW")


@endpoint("/cgi-bin/message/subscribe/send", kind="mp", day=10_000_000)
def send(call: Call) -> Answer:
    """Sends one message of a mini program."""
    if call.body.get("miniprogram_state", "formal") not in STATES or call.body.get("lang", "zh_CN") not in LANGUAGES:
        raise ApiError(40097)
    page = call.body.get("page") or None
    if page is not None:
        check_page(call.account, page, errcode=41030)
    return {**OK, "msgid": _send(call, page=page, url=None)}


@endpoint("/cgi-bin/message/subscribe/bizsend", kind="oa", day=10_000_000)
def bizsend(call: Call) -> Answer:
    """Sends one message of an Official Account; ``page`` is a web address here."""
    url = call.body.get("page") or None
    if url is not None and not isinstance(url, str):
        raise ApiError(47001)
    _send(call, page=linked_page(call), url=url)
    return OK


def _send(call: Call, *, page: str | None, url: str | None) -> int:
    world, account = call.world, call.account
    user_id = receiver(call)
    template = templates.find(
        world, appid=account.appid, template_id=call.text("template_id", refuse=40037), kind="subscribe"
    )
    rendered = render_subscription(template, call.body.get("data"))
    openid = call.body["touser"]
    grants.use(world, appid=account.appid, openid=openid, template_id=template.template_id)
    refused = users.blocks(world, appid=account.appid, user_id=user_id)
    if not refused:
        messages.deliver(
            world, user_id=user_id, channel="subscribe", appid=account.appid, title=template.title,
            fields=rendered.fields, url=url, page=page,
        )  # fmt: skip
    msgid = message_id(call)
    entry = {
        "TemplateId": template.template_id,
        "MsgID": str(msgid),
        "ErrorCode": "43101" if refused else "0",
        "ErrorStatus": "user refuse to accept the msg" if refused else "success",
    }
    extra = {"SubscribeMsgSentEvent": {"List": [entry]}}
    call.later(event(world, account=account, openid=openid, name="subscribe_msg_sent_event", extra=extra))
    return msgid
