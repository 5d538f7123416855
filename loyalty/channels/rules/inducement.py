"""Inducement (诱导分享、诱导关注): WeChat forbids to pay for following, subscribing or sharing.

Whoever attaches value to something that happens asks here before saving it. Source: 《微信外部链接内容管理规范》, in
force since 2019-10-28, which names points among the gains that may not be offered.
"""

import re
from collections.abc import Iterable

from loyalty.kernel.errors import InvalidInput

FORBIDDEN_WORDS = frozenset(
    {"follow", "followed", "subscribe", "subscribed", "share", "shared", "sharing", "forward", "forwarded"}
)
_LURE = re.compile(r"(关注|订阅|分享(?!装)|转发|集赞).{0,15}?[领得送享赠奖返]|先(关注|订阅|分享|转发)", re.DOTALL)
"""Texts that promise something for it, on the same line or the next; a family pack (分享装) is only large."""
_WORDS = re.compile(r"[a-z]+")
_BETWEEN_SMALL_AND_LARGE = re.compile(r"(?<=[a-z])(?=[A-Z])")


class ValueForFollowingOrSharing(InvalidInput):
    """Something would pay for following, subscribing or sharing; the details name it."""

    code = "value_for_following_or_sharing"
    message = "微信禁止奖励关注、订阅或分享行为，不能保存"


def check_not_induced(triggers: Iterable[str]) -> None:
    """Refuse to attach value to what WeChat forbids to pay for, in whatever spelling its code comes.

    Raises:
        ValueForFollowingOrSharing: one of the triggers is about following, subscribing or sharing.
    """
    for trigger in triggers:
        words = _WORDS.findall(_BETWEEN_SMALL_AND_LARGE.sub("_", trigger).lower())
        if not FORBIDDEN_WORDS.isdisjoint(words):
            raise ValueForFollowingOrSharing(trigger=trigger)


def check_not_luring(texts: Iterable[str]) -> None:
    """Refuse texts of something of value that promise it for following, subscribing or sharing.

    Raises:
        ValueForFollowingOrSharing: one of them does.
    """
    for text in texts:
        found = _LURE.search(text)
        if found is not None:
            raise ValueForFollowingOrSharing(text=found.group())
