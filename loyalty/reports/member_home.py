"""A member's home in one statement: who they are, their points, their tier, their coupons, their unread messages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, func, select, true

from loyalty.coupons.queries.wallet import USABLE_COUNT
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run_single
from loyalty.members.models import Member
from loyalty.members.queries import MemberView, read_member
from loyalty.members.rules.members import MemberNotFound
from loyalty.notices.models import InboxMessage
from loyalty.points.queries import SUMMARY, PointsSummary, read_summary
from loyalty.tiers.queries import TIER, TierView, read_tier

_MEMBER_ID = bindparam("member_id", type_=BigInteger)
_POINTS, _TIER = SUMMARY.subquery("points_now"), TIER.subquery("tier_now")
_UNREAD = (
    select(func.count())
    .select_from(InboxMessage)
    .where(InboxMessage.member_id == _MEMBER_ID, InboxMessage.read_at.is_(None))
    .scalar_subquery()
    .label("unread")
)
_HOME = (
    select(*Member.__table__.columns, *_POINTS.c, *_TIER.c, _UNREAD, USABLE_COUNT)
    .select_from(Member.__table__)
    .outerjoin(_POINTS, true())
    .join(_TIER, true())
    .where(Member.__table__.c.id == _MEMBER_ID)
)


@dataclass(frozen=True, slots=True)
class MemberHome:
    """What a member sees first."""

    member: MemberView
    points: PointsSummary
    tier: TierView
    unread: int
    usable_coupons: int
    """Those that can be used now or later."""


def member_home(database: Database, *, vault: Vault, member_id: int, at: datetime) -> MemberHome:
    """Return a member's home at an instant.

    Raises:
        MemberNotFound: there is none with this id.
        DatabaseUnavailable: the database does not answer.
    """
    rows = run_single(database, _HOME, {"member_id": member_id, "at": at})
    if not rows:
        raise MemberNotFound(member_id=member_id)
    (row,) = rows
    return MemberHome(
        member=read_member(row, vault),
        points=PointsSummary() if row.balance is None else read_summary(row),
        tier=read_tier(row),
        unread=row.unread,
        usable_coupons=row.usable_coupons,
    )
