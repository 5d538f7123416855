"""Bulk work of segments, and how its runs name what they work on."""

from datetime import datetime
from enum import StrEnum


class Work(StrEnum):
    """What is done in pages."""

    TAKE_SNAPSHOT = "segments.take_snapshot"
    KEEP_TAG = "segments.keep_tag"
    FILL_PURCHASES = "segments.fill_purchases"
    """Once, for the orders that were there before the tables of purchases."""
    FILL_BIRTHDAYS = "segments.fill_birthdays"
    """Once, for the birthdays that were there before their index."""


def subject_of(segment_id: int) -> str:
    """Return how the audit log names a segment, and ``tagged_by`` the one that put a tag on a member."""
    return f"segment:{segment_id}"


def snapshot_subject(snapshot_id: int) -> str:
    """Return how bulk work and the audit log name a snapshot."""
    return f"segment_snapshot:{snapshot_id}"


def snapshot_id_of(subject: str) -> int:
    """Return the snapshot that a name means."""
    return int(subject.removeprefix("segment_snapshot:"))


def keeping_subject(tag_id: int, at: datetime) -> str:
    """Return how bulk work names bringing a tag in step, once for each time."""
    return f"automatic_tag:{tag_id}:{at.isoformat()}"


def kept_tag_of(subject: str) -> int:
    """Return the tag that a name means."""
    return int(subject.split(":")[1])
