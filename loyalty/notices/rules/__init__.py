"""Rules of notices: kinds and their texts, channels, states, quiet hours and the daily cap."""

from loyalty.notices.rules.errors import (
    DeliveryNotYetKnown,
    InboxMessageNotFound,
    InvalidChannels,
    InvalidNoticeFacts,
    InvalidQuietHours,
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
from loyalty.notices.rules.quiet_hours import QuietHours, check_quiet_hours
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
    "InvalidQuietHours",
    "KINDS",
    "KindDefinition",
    "KindSettings",
    "NoticeIsOwed",
    "NoticeKind",
    "NoticeState",
    "POLICY",
    "QuietHours",
    "SendAgainLater",
    "SendingPolicy",
    "UnknownNoticeKind",
    "answers_own_act",
    "check_quiet_hours",
    "checked_channels",
    "checked_facts",
    "display",
    "held_until",
    "inbox_text",
    "kind_of",
]
