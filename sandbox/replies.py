"""Reads what the system under test answers to a push, and shows it in the person's chat.

``success`` and an empty body mean no reply. Anything that is not a valid reply shows the platform's complaint.
"""

from dataclasses import dataclass
from typing import Any

from sandbox import crypto, messages, users, wire
from sandbox.config import Account
from sandbox.world import World

COMPLAINT = "该公众号提供的服务出现故障，请稍后再试"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A reply as understood; ``problem`` says why it is not valid."""

    fields: dict[str, Any] | None = None
    problem: str | None = None

    def show(self, world: World, account: Account, openid: str) -> None:
        """Puts the reply, or the complaint, on the person's phone."""
        user_id = users.of_openid(world, appid=account.appid, openid=openid)
        if user_id is None:
            return
        if self.problem is not None:
            messages.deliver(world, user_id=user_id, channel="chat", appid=account.appid, text=COMPLAINT)
        elif self.fields is not None:
            _deliver(world, account, user_id, self.fields)


def no_answer() -> Reply:
    """What the person sees when all three tries failed."""
    return Reply(problem="no answer")


def understand(world: World, account: Account, openid: str, text: str, *, mode: str) -> Reply:
    """The reply in an answer; in safe mode it must be encrypted and signed."""
    if text.strip() in ("", "success"):
        return Reply()
    try:
        outer = wire.from_xml(text)
        fields = wire.from_xml(_opened(account, outer)) if "Encrypt" in outer else outer
    except (wire.ReplyInvalid, crypto.CipherInvalid) as error:
        return Reply(problem=str(error))
    if mode == "safe" and "Encrypt" not in outer:
        return Reply(problem="the reply must be encrypted in safe mode")
    if fields.get("ToUserName") != openid or fields.get("FromUserName") != account.original_id:
        return Reply(problem="ToUserName must be the openid, FromUserName the original id of the account")
    if "MsgType" not in fields or "CreateTime" not in fields:
        return Reply(problem="the reply lacks MsgType or CreateTime")
    return Reply(fields=fields)


def _opened(account: Account, outer: dict[str, Any]) -> str:
    parts = [str(outer.get(name, "")) for name in ("TimeStamp", "Nonce", "Encrypt")]
    if crypto.signature(account.token, *parts) != outer.get("MsgSignature"):
        raise crypto.CipherInvalid("MsgSignature is wrong")
    return crypto.decrypt(parts[2], aes_key=account.aes_key, appid=account.appid)


def _deliver(world: World, account: Account, user_id: int, fields: dict[str, Any]) -> None:
    kind = fields["MsgType"]
    if kind == "transfer_customer_service":
        return
    title, text, url = "", f"[{kind}]", None
    if kind == "text":
        text = str(fields.get("Content", ""))
    elif kind == "news":
        article = _first_article(fields)
        title, text, url = str(article.get("Title", "")), str(article.get("Description", "")), article.get("Url")
    messages.deliver(world, user_id=user_id, channel="chat", appid=account.appid, title=title, text=text, url=url)


def _first_article(fields: dict[str, Any]) -> dict[str, Any]:
    """A reply shows one article only, however many it holds."""
    items = fields.get("Articles")
    found = items.get("item") if isinstance(items, dict) else None
    first = found[0] if isinstance(found, list) else found
    return first if isinstance(first, dict) else {}
