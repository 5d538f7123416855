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


def answer(book: ReplyBook, push: PushContent) -> str | None:
    """Return what to say to a push, None when nothing fits."""
    if push.kind == "event":
        if push.event == "subscribe":
            return book.welcome
        return book.clicks.get(push.event_key) if push.event == "click" else None
    if push.kind != "text":
        return book.default
    said = normalised(push.text)
    if said in book.exact:
        return book.exact[said]
    return next((text for keyword, text in book.contains if keyword in said), book.default)


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
