"""Replies (自动回复): what an account says at once to a follow, a menu click or a message."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loyalty.channels.rules.pushes import PushContent
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.texts import is_storable

TEXT_BYTES_MAX = 2048
"""What WeChat shows of a text reply."""
KEYWORD_CHARACTERS_MAX = 60
UNSUBSCRIBE_WORDS = ("td", "退订")
"""A message that is one of these ends marketing at once, whatever replies are set."""
UNSUBSCRIBED = "已为您退订活动消息，积分、优惠券等会员通知不受影响。如需恢复，请在会员中心“隐私”中勾选“活动消息”。"


class ReplyTrigger(StrEnum):
    """What a reply answers."""

    WELCOME = "welcome"
    """Following the account (关注), whether by a QR code or not."""
    EXACT = "exact"
    """A message that is the keyword (完全匹配)."""
    CONTAINS = "contains"
    """A message with the keyword in it (包含)."""
    CLICK = "click"
    """A menu button; the keyword is the button's key."""
    DEFAULT = "default"
    """Any other message."""


WITH_KEYWORD = (ReplyTrigger.EXACT, ReplyTrigger.CONTAINS, ReplyTrigger.CLICK)


class ReplyInvalid(InvalidInput):
    """The reply is empty or too long, or its keyword is missing, needless or too long."""

    code = "reply_invalid"
    message = "自动回复设置不正确"


@dataclass(frozen=True, slots=True)
class ReplyBook:
    """All replies of an account, ready to be looked up."""

    welcome: str | None = None
    default: str | None = None
    exact: Mapping[str, str] = field(default_factory=dict)
    contains: tuple[tuple[str, str], ...] = ()
    """In the order in which they are tried."""
    clicks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an account says to a message, and by which of its replies."""

    trigger: ReplyTrigger
    keyword: str
    text: str


def answer(book: ReplyBook, push: PushContent) -> str | None:
    """Return what to say to a push, None when nothing fits."""
    if push.kind == "event":
        if push.event == "subscribe":
            return book.welcome
        return book.clicks.get(push.event_key) if push.event == "click" else None
    if push.kind != "text":
        return book.default
    found = answer_to(book, push.text)
    return found.text if found else None


def answer_to(book: ReplyBook, said: str) -> Answer | None:
    """Return what to say to a message: a keyword that is all of it, one within it, or else the default.

    Who unsubscribes is told so, before any reply that was set.
    """
    said = normalised(said)
    if said in UNSUBSCRIBE_WORDS:
        return Answer(ReplyTrigger.EXACT, said, UNSUBSCRIBED)
    if said in book.exact:
        return Answer(ReplyTrigger.EXACT, said, book.exact[said])
    for keyword, text in book.contains:
        if keyword in said:
            return Answer(ReplyTrigger.CONTAINS, keyword, text)
    return None if book.default is None else Answer(ReplyTrigger.DEFAULT, "", book.default)


def is_unsubscribing(push: PushContent) -> bool:
    """Tell whether a person wrote that they want no more marketing (退订)."""
    return push.kind == "text" and normalised(push.text) in UNSUBSCRIBE_WORDS


def never_reached(book: ReplyBook) -> dict[str, str]:
    """Return the keywords looked for within messages that an earlier one always precedes, each with that one."""
    found: dict[str, str] = {}
    for number, (keyword, _text) in enumerate(book.contains):
        earlier = next((before for before, _said in book.contains[:number] if before in keyword), None)
        if earlier is not None:
            found[keyword] = earlier
    return found


def normalised(text: str) -> str:
    """Return a text without the differences people do not mean: width, case, spaces around it."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def checked_keyword(trigger: ReplyTrigger, keyword: str, text: str) -> str:
    """Return the keyword as it is stored; the key of a menu button stays as it is.

    Raises:
        ReplyInvalid: see the class.
    """
    stored = keyword.strip() if trigger is ReplyTrigger.CLICK else normalised(keyword)
    if bool(stored) != (trigger in WITH_KEYWORD):
        raise ReplyInvalid(reason="关键词不能为空" if not stored else "这种回复没有关键词")
    if len(stored) > KEYWORD_CHARACTERS_MAX:
        raise ReplyInvalid(reason=f"关键词最多 {KEYWORD_CHARACTERS_MAX} 个字")
    if not text.strip():
        raise ReplyInvalid(reason="回复内容不能为空")
    if not is_storable([stored, text]):
        raise ReplyInvalid(reason="含有无法保存的字符")
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise ReplyInvalid(reason=f"回复内容最多 {TEXT_BYTES_MAX} 字节（约 680 个汉字）")
    return stored
