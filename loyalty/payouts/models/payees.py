"""The table of who is paid."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from loyalty.kernel.database import Base

NAME_CONTEXT, ID_NUMBER_CONTEXT = "payees.name", "payees.id_number"


class Payee(Base):
    """One row is a member's name and ID number as the tax authority wants them, kept by a consent of its own."""

    __tablename__ = "payees"
    __table_args__ = (
        UniqueConstraint("member_id"),
        {"info": {"member_data": {"merge": "move", "export": True, "erase": "delete"}}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    name_sealed: Mapped[bytes] = mapped_column(info={"personal": True, "sealed": NAME_CONTEXT})
    id_number_sealed: Mapped[bytes] = mapped_column(info={"personal": True, "sealed": ID_NUMBER_CONTEXT})
    saved_at: Mapped[datetime]
