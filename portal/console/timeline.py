"""A member's timeline (时间线): what happened to them, merged from several lists, newest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from loyalty.members.rules.consents import Purpose
from portal.console.audit_names import ACTION_NAMES
from portal.console.member_names import IDENTITY_NAMES, PURPOSE_NAMES

if TYPE_CHECKING:
    from loyalty.kernel.audit import AuditEntry
    from loyalty.members.models import Consent, Identity
    from loyalty.members.queries import MemberView
    from loyalty.notices.queries import NoticeView
    from loyalty.points.statement import EntryView

EVENTS_MAX = 50


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline."""

    at: datetime
    subject: str
    text: str


def timeline(
    *,
    member: "MemberView",
    identities: Iterable["Identity"],
    entries: Iterable["EntryView"],
    notices: Iterable["NoticeView"],
    consents: Iterable["Consent"],
    changes: Iterable["AuditEntry"],
) -> list[Event]:
    """Merge what is known of a member; only the latest events are kept."""
    events = chain(
        [Event(member.enrolled_at, "会员", "入会")],
        _of_identities(identities),
        (Event(entry.occurred_at, "积分", f"{entry.points:+,}：{entry.reason}") for entry in entries),
        (Event(notice.requested_at, "消息", notice.title) for notice in notices),
        _of_consents(consents),
        (Event(change.recorded_at, "操作", ACTION_NAMES.get(change.action, change.action)) for change in changes),
    )
    return sorted(events, key=lambda event: event.at, reverse=True)[:EVENTS_MAX]


def _of_identities(identities: Iterable["Identity"]) -> Iterator[Event]:
    for identity in identities:
        name = IDENTITY_NAMES.get(identity.kind, identity.kind)  # type: ignore[call-overload]
        yield Event(identity.first_seen_at, "微信", f"首次进入{name}")
        if identity.followed_at is not None:
            yield Event(identity.followed_at, "微信", "关注公众号")
        if identity.unfollowed_at is not None:
            yield Event(identity.unfollowed_at, "微信", "取消关注公众号")


def _of_consents(consents: Iterable["Consent"]) -> Iterator[Event]:
    for consent in consents:
        name = f"《{PURPOSE_NAMES[Purpose(consent.purpose)]}》{consent.version}"
        yield Event(consent.given_at, "授权", f"同意{name}")
        if consent.withdrawn_at is not None:
            yield Event(consent.withdrawn_at, "授权", f"撤回{name}")
