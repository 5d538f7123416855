"""Tables of the members themselves, and of the keys that die with them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base
from loyalty.members.models.checks import one_of
from loyalty.members.rules.members import MemberStatus
from loyalty.stores.models import Store


class Member(Base):
    """One row is one membership; its id and enrolment never change, and it is never deleted."""

    __tablename__ = "members"
    __table_args__ = (
        one_of("status", MemberStatus),
        CheckConstraint("(status = 'merged') = (merged_into_id IS NOT NULL)", name="merged_into"),
        CheckConstraint("(status = 'provisional') = (provisional_until_at IS NOT NULL)", name="provisional_until_at"),
        CheckConstraint("(phone_sealed IS NULL) = (phone_index IS NULL)", name="phone"),
        Index("uq_members_number", "number", unique=True),
        Index(
            "uq_members_phone_index",
            "phone_index",
            unique=True,
            postgresql_where=text("phone_index IS NOT NULL"),
        ),
        Index(
            "ix_members_merged_into_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        Index(
            "ix_members_provisional_until_at",
            "provisional_until_at",
            postgresql_where=text("provisional_until_at IS NOT NULL"),
        ),
        Index("ix_members_living", "id", postgresql_where=text("status IN ('active', 'closing')")),
        Index("ix_members_enrolled_at", "enrolled_at"),
        Index("ix_members_enrolled_store_id", "enrolled_store_id"),
        Index("ix_members_birthday_index", "birthday_index", postgresql_where=text("birthday_index IS NOT NULL")),
        {"info": {"member_data": {"merge": "custom", "export": True, "erase": "anonymise"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(info={"personal": True})
    """Ten digits, the last a check digit; what members and clerks read to each other."""
    status: Mapped[str] = mapped_column(server_default=text("'active'"))
    phone_sealed: Mapped[bytes | None] = mapped_column(info={"personal": True, "sealed": "members.phone"})
    phone_index: Mapped[bytes | None] = mapped_column(info={"personal": True})
    phone_proved_at: Mapped[datetime | None]
    nickname_sealed: Mapped[bytes | None] = mapped_column(info={"personal": True, "sealed": "members.nickname"})
    birthday_sealed: Mapped[bytes | None] = mapped_column(info={"personal": True, "sealed": "members.birthday"})
    birthday_index: Mapped[bytes | None] = mapped_column(info={"personal": True})
    """Blind index of month and day, by which whose birthday it is are found; see ``profile.birthday_mark``."""
    birthday_changed_at: Mapped[datetime | None]
    enrolled_at: Mapped[datetime]
    enrolled_store_id: Mapped[int | None] = mapped_column(ForeignKey(Store.id))
    last_active_at: Mapped[datetime]
    """Exact to a day: written at most once in ``RENEWAL_INTERVAL``."""
    provisional_until_at: Mapped[datetime | None]
    """A provisional member is erased by the first run at or after this instant."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("members.id"))
    """The final survivor, never another merged member."""


class MemberKey(Base):
    """One row is the key of what is written about one member elsewhere and must die with them."""

    __tablename__ = "member_keys"
    __table_args__ = ({"info": {"member_data": {"merge": "keep", "export": False, "erase": "delete"}}},)

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True)
    key_sealed: Mapped[bytes] = mapped_column(info={"personal": True, "sealed": "member_keys.key"})
    made_at: Mapped[datetime]
