"""Tables of arrivals."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.channels.models import Scene
from loyalty.kernel.database import Base
from loyalty.members.models import Identity, Member


class SceneScan(Base):
    """One row is one scan of a QR code of ours by one person; only ``is_new_follower`` may change, by a late push."""

    __tablename__ = "scene_scans"
    __table_args__ = (
        UniqueConstraint("push_id"),
        CheckConstraint("is_follow OR NOT is_new_follower", name="is_new_follower"),
        Index("ix_scene_scans_scene_id_scanned_at", "scene_id", "scanned_at"),
        Index("ix_scene_scans_scanned_at", "scanned_at"),
        Index("ix_scene_scans_identity_id_scanned_at", "identity_id", "scanned_at"),
        Index("uq_scene_scans_new_follower", "identity_id", unique=True, postgresql_where=text("is_new_follower")),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    push_id: Mapped[int]
    """Of the stored push, which itself is deleted after some weeks; never given again."""
    scene_id: Mapped[int] = mapped_column(ForeignKey(Scene.id))
    identity_id: Mapped[int] = mapped_column(ForeignKey(Identity.id))
    is_follow: Mapped[bool]
    """Whether they followed by it, rather than following already."""
    is_new_follower: Mapped[bool]
    """Whether they never followed before, as far as we know: true of one scan a person at most."""
    scanned_at: Mapped[datetime]


class SceneEnrolment(Base):
    """One row is a member who scanned a QR code of ours before enrolling: the last one counts."""

    __tablename__ = "scene_enrolments"
    __table_args__ = (
        CheckConstraint("scanned_at <= enrolled_at", name="scanned_at"),
        Index("ix_scene_enrolments_scene_id_enrolled_at", "scene_id", "enrolled_at"),
        Index("ix_scene_enrolments_enrolled_at", "enrolled_at"),
        {"info": {"member_data": {"merge": "keep", "export": True, "erase": "keep"}}},
    )

    member_id: Mapped[int] = mapped_column(ForeignKey(Member.id), primary_key=True)
    scene_id: Mapped[int] = mapped_column(ForeignKey(Scene.id))
    scanned_at: Mapped[datetime]
    enrolled_at: Mapped[datetime]
