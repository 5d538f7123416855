"""Tables of segments. A revision never changes; what refers to a segment copies its condition."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.bulk import BulkRun
from loyalty.kernel.database import Base, Json
from loyalty.tags.models import Tag


class Segment(Base):
    """One row is a saved segment (分群); what it asks stands in its revisions."""

    __tablename__ = "segments"
    __table_args__ = (
        Index("uq_segments_title", "title", unique=True, postgresql_where=text("NOT is_archived")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    revision_id: Mapped[int | None] = mapped_column(
        ForeignKey("segment_revisions.id", name="fk_segments_revision", use_alter=True)
    )
    """The last one; empty only while the first is being written."""
    is_archived: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class SegmentRevision(Base):
    """One row is a condition as it was saved (分群版本); it never changes."""

    __tablename__ = "segment_revisions"
    __table_args__ = (UniqueConstraint("segment_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"))
    number: Mapped[int]
    condition: Mapped[Json]
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class SegmentSnapshot(Base):
    """One row is who was in a segment at an instant (快照); the members are written in pages by a bulk run."""

    __tablename__ = "segment_snapshots"
    __table_args__ = (Index("ix_segment_snapshots_segment_id", "segment_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("segment_revisions.id"))
    taken_at: Mapped[datetime]
    """The instant for which every day and deadline of the condition is reckoned."""
    taken_by: Mapped[str]
    members: Mapped[int] = mapped_column(server_default=text("0"))
    """Found so far."""
    finished_at: Mapped[datetime | None]


class SegmentSnapshotMember(Base):
    """One row is a member whom a snapshot found; it stays, whatever becomes of the member."""

    __tablename__ = "segment_snapshot_members"
    __table_args__ = ({"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},)

    snapshot_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("segment_snapshots.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """From the members' own table in the statement that writes the row, so no foreign key is paid for."""


class AutomaticTag(Base):
    """One row is a tag that follows a segment (自动标签): who enters gets it, who leaves loses it.

    What it put on members says so in ``tagged_by``; what staff put stays.
    """

    __tablename__ = "automatic_tags"
    __table_args__ = (Index("ix_automatic_tags_segment_id", "segment_id"),)

    tag_id: Mapped[int] = mapped_column(ForeignKey(Tag.id), primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"))
    run_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey(BulkRun.id))
    """The bulk run that brought it in step last, or is at it."""
    started_by: Mapped[str]
    started_at: Mapped[datetime]
