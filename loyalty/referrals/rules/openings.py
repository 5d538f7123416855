"""Openings (打开): which count, once for each real person, by the first who invited them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class NotCounted(StrEnum):
    """Why an opening does not count."""

    EXPIRED = "expired"
    CHANNEL_OFF = "channel_off"
    SHARER_GONE = "sharer_gone"
    SELF = "self"
    CIRCULAR = "circular"
    """Who opened invited, directly or in between, who shared."""
    ALREADY_A_MEMBER = "already_a_member"
    BLOCKLISTED = "blocklisted"
    ALREADY_OPENED = "already_opened"
    EARLIER_TOUCH = "earlier_touch"
    """Somebody else invited the same person before."""


WORDS = {
    NotCounted.EXPIRED: "链接已过期",
    NotCounted.CHANNEL_OFF: "该分享渠道已关闭",
    NotCounted.SHARER_GONE: "分享者已注销",
    NotCounted.SELF: "本人打开",
    NotCounted.CIRCULAR: "互相邀请",
    NotCounted.ALREADY_A_MEMBER: "打开者已是会员",
    NotCounted.BLOCKLISTED: "在黑名单中",
    NotCounted.ALREADY_OPENED: "同一人已打开过",
    NotCounted.EARLIER_TOUCH: "此前已由其他会员邀请",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opens a share: a person by unionid, or else by openid.

    The virtual accounts of snapshot pages (快照页) are nobody: they are refused before there is an identity.
    """

    identity_id: int
    person_key: str
    keys: Sequence[str]
    """Every key by which the person may have been known before, by their other accounts included."""
    member_id: int | None
    device: str | None = None
    ip: str | None = None


@dataclass(frozen=True, slots=True)
class OpeningFacts:
    """What the decision depends on before it is asked who came first."""

    is_expired: bool
    is_channel_on: bool
    is_sharer_living: bool
    is_self: bool
    is_circular: bool
    is_member: bool
    is_blocked: bool


def reason_against(facts: OpeningFacts) -> NotCounted | None:
    """Return why an opening cannot count, if so."""
    reasons = (
        (not facts.is_channel_on, NotCounted.CHANNEL_OFF),
        (facts.is_expired, NotCounted.EXPIRED),
        (not facts.is_sharer_living, NotCounted.SHARER_GONE),
        (facts.is_self, NotCounted.SELF),
        (facts.is_circular, NotCounted.CIRCULAR),
        (facts.is_member, NotCounted.ALREADY_A_MEMBER),
        (facts.is_blocked, NotCounted.BLOCKLISTED),
    )
    return next((reason for is_so, reason in reasons if is_so), None)
