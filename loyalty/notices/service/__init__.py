"""Use cases of notices, one file each."""

from loyalty.notices.service.grants import GrantSource, empty_grants, record_grants
from loyalty.notices.service.holding import release_held
from loyalty.notices.service.inbox import mark_all_read, mark_read
from loyalty.notices.service.kinds import configure_kind
from loyalty.notices.service.requesting import NoticeRequest, request, request_many
from loyalty.notices.service.sending import Accounts, resolve_stale, send
from loyalty.notices.service.settling import note_report

__all__ = [
    "Accounts",
    "GrantSource",
    "NoticeRequest",
    "configure_kind",
    "empty_grants",
    "mark_all_read",
    "mark_read",
    "note_report",
    "record_grants",
    "release_held",
    "request",
    "request_many",
    "resolve_stale",
    "send",
]
