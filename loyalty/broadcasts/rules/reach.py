"""Reach (触达预估): how many a message gets to on which way, and why not the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from loyalty.broadcasts.rules.channels import NAMES, Channel
from loyalty.broadcasts.rules.states import REASON_NAMES, Reason


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a message would reach at an instant."""

    total: int
    by_channel: Mapping[Channel, int]
    """Over WeChat each member once, by the first way in the order that is open; the inbox counts all who get it."""
    unreached: int
    """Members without a push over WeChat; most have it in the inbox."""
    reasons: Mapping[Reason, int]
    """The members without a push, by why; they add up to ``unreached``."""
    service_notices: int = 0
    """Members who can be told over WeChat, besides, of what they are given: these are no marketing."""
    quota_left: Mapping[str, int] = field(default_factory=dict)
    """By ``channel:appid`` of the ways counted: what marketing may still send today."""

    @property
    def pushed(self) -> int:
        """Members with a push over WeChat."""
        return self.total - self.unreached


def reach_sentence(reach: Reach) -> str:
    """Return the reach in words, such as ``18,240 人：订阅消息 4,592，客服窗口 310，站内消息 18,240；…``."""
    shown = "，".join(f"{NAMES[channel]} {count:,}" for channel, count in reach.by_channel.items())
    told = f"{reach.total:,} 人：{shown}；模板消息 0（营销内容不可用）；未推送 {reach.unreached:,}"
    if reach.reasons:
        ordered = sorted(reach.reasons.items(), key=lambda each: -each[1])
        told += "，因为" + "、".join(f"{REASON_NAMES[reason]} {count:,}" for reason, count in ordered)
    if reach.service_notices:
        told += f"。另有服务通知（如券已到账）{reach.service_notices:,}，不计入营销消息"
    return told
