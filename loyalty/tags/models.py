"""Tables of tags. A tag is never deleted: rules, coupons and messages refer to it by its id."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base


class Tag(Base):
    """One row is a tag (标签)."""

    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    note: Mapped[str | None]
    is_archived: Mapped[bool] = mapped_column(server_default=text("false"))
    """Put on nobody any more, and offered nowhere; who has it keeps it."""
    created_at: Mapped[datetime]


class MemberTag(Base):
    """One row is a member who has a tag; of a merged member only what the survivor had as well is left."""

    __tablename__ = "member_tags"
    __table_args__ = (
        Index("ix_member_tags_tag_id_member_id", "tag_id", "member_id"),
        {"info": {"member_data": {"merge": "move", "export": True, "erase": "delete"}}},
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tags.id"), primary_key=True)
    tagged_at: Mapped[datetime]
    tagged_by: Mapped[str]
    """``staff:12``, or the program that did."""
