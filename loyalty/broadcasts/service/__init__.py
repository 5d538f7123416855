"""Use cases of broadcasts, one file each."""

from loyalty.broadcasts.service.creating import add_members, create
from loyalty.broadcasts.service.members_word import note_click, unsubscribe
from loyalty.broadcasts.service.policy import save_policy
from loyalty.broadcasts.service.sending import list_due, may_send, send_group
from loyalty.broadcasts.service.settling import note_report, resolve_stale
from loyalty.broadcasts.service.steering import pause, resume, stop

__all__ = [
    "add_members",
    "create",
    "list_due",
    "may_send",
    "note_click",
    "note_report",
    "pause",
    "resolve_stale",
    "resume",
    "save_policy",
    "send_group",
    "stop",
    "unsubscribe",
]
