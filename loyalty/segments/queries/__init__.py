"""Reads of segments: how many a condition finds and some of them, what was saved, and who is in a snapshot."""

from loyalty.segments.queries.automatic_tags import AutomaticTagView, list_automatic_tags
from loyalty.segments.queries.finding import Found, count, find
from loyalty.segments.queries.segments import SegmentView, get_segment, list_revisions, list_segments
from loyalty.segments.queries.snapshots import SnapshotView, get_snapshot, list_snapshot_members, list_snapshots

__all__ = [
    "AutomaticTagView",
    "Found",
    "SegmentView",
    "SnapshotView",
    "count",
    "find",
    "get_segment",
    "get_snapshot",
    "list_automatic_tags",
    "list_revisions",
    "list_segments",
    "list_snapshot_members",
    "list_snapshots",
]
