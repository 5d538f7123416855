"""Inducement (诱导分享、诱导关注): WeChat forbids to pay for following, subscribing or sharing.

Whoever attaches value to something that happens asks here before saving it. Source: 《微信外部链接内容管理规范》, in
force since 2019-10-28, which names points among the gains that may not be offered, and having friends help (助力、砍价)
and collecting likes (集赞) among the baits.
"""

import re
from collections.abc import Iterable

from loyalty.kernel.errors import InvalidInput

_FORBIDDEN = re.compile(r"follow|subscrib|shar(e|ing)|forward")
"""Stems that no code of something of value may have, however its words run together (``wechatshare``)."""
_LAWFUL = re.compile(r"followup|follow[^a-z]+up|timeshare|shareholder|straightforward|carryforward")
"""Words that only sound alike."""

_GAIN = r"[领得送享赠奖返]"
_GAIN_BEFORE = r"(?:[领送赠奖返]|(?<![值记觉显])得)"
_LURES = (
    # Passing on or following, and what one gets for it on the same line or the next.
    rf"(?:关注|订阅|分享(?!装)|转发|集赞|朋友圈).{{0,15}}?{_GAIN}",
    r"(?:关注|订阅|分享|转发)(?:就|即|可|享|都)?有(?:好礼|惊喜|礼|奖)",
    r"先(?:关注|订阅|分享|转发)",
    # The gain first. Many lawful texts go on with 分享 or 关注 of other things: here only with what is WeChat's.
    rf"{_GAIN_BEFORE}.{{0,15}}?(?:转发|集赞|朋友圈|[快去请]分享|分享[到至]|分享给好友|关注(?:我们|公众号|服务号))",
    # Friends who have to help. What helps health (助力健康) is no such thing.
    r"(?:好友|朋友|邀请?|找人|[帮替为]我|帮忙|[帮喊拉找]\s*\d+|[位个人名])\s*(?:来|一起|帮忙|为我|帮我|帮)?\s*(?:助力|砍价|加速)",
    r"(?:助力|砍价)(?:成功|任务|后|即可|就)?(?:[领得送赠奖返拿]|免费)",
    r"砍一刀|帮砍",
)
_LURE = re.compile("|".join(_LURES), re.DOTALL)
"""Texts that promise something for it; a family pack (分享装) is only large."""
_TOLD_BY = re.compile(r"订阅(?:消息|通知)(?=发送|推送|通知|提醒|告知|下发)(?:发送)?")
"""That a message comes as a subscription message promises nothing for subscribing."""

_WARNED_OFF = re.compile(
    r"(?:请勿|切勿|勿|不要|不得|不可|严禁|禁止)(?:[将把][^。，；！\n]{1,8}?)?(?:随意|擅自|私自|截图)?(?:转发|分享)"
)
"""That something must not be passed on promises nothing, whatever is said of it then (以免被他人领取)."""
_ASKED = r"(?:关注|订阅|分享|转发|集赞|助力|砍价)"
_NOT_ASKED = re.compile(rf"(?:无需|无须|不需要?|不必|不用){_ASKED}(?:(?:[、或和及/]|或者|以及)?(?:发朋友圈|{_ASKED}))*")
"""Nothing of the kind is asked for (无需转发即可领取); whatever comes after it is read for itself."""


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
        if _FORBIDDEN.search(_LAWFUL.sub(" ", trigger.lower())):
            raise ValueForFollowingOrSharing(trigger=trigger)


def check_not_luring(texts: Iterable[str]) -> None:
    """Refuse texts of something of value that promise it for following, subscribing or sharing.

    Raises:
        ValueForFollowingOrSharing: one of them does.
    """
    for text in texts:
        found = lure_in(text)
        if found is not None:
            raise ValueForFollowingOrSharing(text=found)


def lure_in(text: str) -> str | None:
    """Return the words of a text that promise something for following, subscribing or sharing, if any do."""
    found = _LURE.search(without_denials(_TOLD_BY.sub("消息", text)))
    return None if found is None else found.group()


def without_denials(text: str) -> str:
    """Return a text without the words that only forbid to share or follow, or say that nobody has to."""
    return _NOT_ASKED.sub("直接", _WARNED_OFF.sub("保管", text))
