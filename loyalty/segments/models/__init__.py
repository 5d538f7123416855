"""Tables of segments: what is asked, who was found, the tags kept in step, and what members bought."""

from loyalty.segments.models.purchases import MemberPurchase, MemberPurchaseLine, MemberPurchaseTotal
from loyalty.segments.models.segments import (
    AutomaticTag,
    Segment,
    SegmentRevision,
    SegmentSnapshot,
    SegmentSnapshotMember,
)

__all__ = [
    "AutomaticTag",
    "MemberPurchase",
    "MemberPurchaseLine",
    "MemberPurchaseTotal",
    "Segment",
    "SegmentRevision",
    "SegmentSnapshot",
    "SegmentSnapshotMember",
]
