"""Rules of notices: kinds and their texts, channels, states, quiet hours and the daily cap."""

from loyalty.notices.rules.errors import (
    DeliveryNotYetKnown,
    InboxMessageNotFound,
    InvalidChannels,
    InvalidNoticeFacts,
    NoticeIsOwed,
    SendAgainLater,
    UnknownNoticeKind,
)
from loyalty.notices.rules.kinds import (
    KINDS,
    Channel,
    FactType,
    KindDefinition,
    KindSettings,
    NoticeKind,
)
from loyalty.notices.rules.sending import (
    COUNTED_STATES,
    POLICY,
    DeliveryState,
    NoticeState,
    SendingPolicy,
    answers_own_act,
    held_until,
)
from loyalty.notices.rules.texts import (
    checked_channels,
    checked_facts,
    display,
    inbox_text,
    kind_of,
)

__all__ = [
    "COUNTED_STATES",
    "Channel",
    "DeliveryNotYetKnown",
    "DeliveryState",
    "FactType",
    "InboxMessageNotFound",
    "InvalidChannels",
    "InvalidNoticeFacts",
    "KINDS",
    "KindDefinition",
    "KindSettings",
    "NoticeIsOwed",
    "NoticeKind",
    "NoticeState",
    "POLICY",
    "SendAgainLater",
    "SendingPolicy",
    "UnknownNoticeKind",
    "answers_own_act",
    "checked_channels",
    "checked_facts",
    "display",
    "held_until",
    "inbox_text",
    "kind_of",
]
