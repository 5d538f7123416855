"""Customer messages (客服消息): only within the windows that the person's own acts open."""

from typing import Any

from sandbox import messages, users, windows
from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError
from sandbox.receivers import receiver

LONGEST_TEXT = 2048
TITLED = ("news", "miniprogrampage", "link")
PLAIN = ("image", "voice", "video", "music", "mpnews", "mpnewsarticle", "wxcard")


@endpoint("/cgi-bin/message/custom/send", day=500_000)
def send(call: Call) -> Answer:
    """Sends one message to a person who has just done something."""
    user_id = receiver(call)
    shown = _shown(call)
    if users.blocks(call.world, appid=call.account.appid, user_id=user_id):
        raise ApiError(48002)
    windows.use(call.world, appid=call.account.appid, user_id=user_id)
    messages.deliver(call.world, user_id=user_id, channel="custom", appid=call.account.appid, **shown)
    return OK


def _shown(call: Call) -> dict[str, Any]:
    """What the phone shows of the message. Raises ApiError 40008, 47001, 45002."""
    kind = call.body.get("msgtype")
    if kind not in ("text", "msgmenu", *TITLED, *PLAIN):
        raise ApiError(40008)
    content = call.part(kind, refuse=47001)
    if kind == "text":
        return {"text": _text(content.get("content"))}
    if kind == "msgmenu":
        entries = [str(one.get("content", "")) for one in content.get("list") or [] if isinstance(one, dict)]
        return {"text": "\n".join([_text(content.get("head_content")), *entries])}
    if kind in TITLED:
        return _titled(kind, content)
    return {"text": f"[{kind}]"}


def _titled(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    if kind == "news":
        articles = content.get("articles")
        if not isinstance(articles, list) or len(articles) != 1 or not isinstance(articles[0], dict):
            raise ApiError(45008)
        content = articles[0]
    return {
        "title": str(content.get("title", "")),
        "text": str(content.get("description", "")),
        "url": str(content["url"]) if content.get("url") else None,
        "page": str(content["pagepath"]) if content.get("pagepath") else None,
    }


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ApiError(47001)
    if len(value.encode()) > LONGEST_TEXT:
        raise ApiError(45002)
    return value
