"""Use cases of segments: saving them, taking snapshots, keeping tags in step, and following what members buy."""

from loyalty.segments.service.automatic_tags import (
    keep_in_step,
    keep_page,
    resume_automatic_tag,
    start_automatic_tag,
    stop_automatic_tag,
)
from loyalty.segments.service.filling import fill_birthdays, fill_purchases
from loyalty.segments.service.following import follow_merge, follow_order
from loyalty.segments.service.saving import archive_segment, save_segment
from loyalty.segments.service.snapshots import begin_export, resume_snapshot, take_page, take_snapshot

__all__ = [
    "archive_segment",
    "begin_export",
    "fill_birthdays",
    "fill_purchases",
    "follow_merge",
    "follow_order",
    "keep_in_step",
    "keep_page",
    "resume_automatic_tag",
    "resume_snapshot",
    "save_segment",
    "start_automatic_tag",
    "stop_automatic_tag",
    "take_page",
    "take_snapshot",
]
