"""Owners: who stands for many members by now. Whoever counts for one keeps them from being merged first.

The lock is the one that a coupon's row takes on its member anyhow: nobody but a merge waits for it.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import BigInteger, any_, bindparam, func, select
from sqlalchemy.orm import Session

from loyalty.kernel.arrays import SentArray
from loyalty.members.models import Member


def hold_owners(session: Session, *, owner_ids: Collection[int]) -> bool:
    """Keep members from being merged until the transaction ends; tell whether none of them was since they were read."""
    if not owner_ids:
        return True
    held = session.scalars(_HOLD, {"member_ids": list(owner_ids)}).one()
    return held == len(owner_ids)


def owners_of(session: Session, *, member_ids: Collection[int]) -> Mapping[int, int]:
    """Return who stands for each member, all of them held until the transaction ends."""
    while True:
        rows = session.execute(_OWNERS, {"member_ids": list(member_ids)})
        owners = {row.id: row.owner_id for row in rows}
        if hold_owners(session, owner_ids=set(owners.values())):
            return owners


_IS_NAMED = Member.id == any_(bindparam("member_ids", type_=SentArray(BigInteger())))
_OWNERS = select(Member.id, func.coalesce(Member.merged_into_id, Member.id).label("owner_id")).where(_IS_NAMED)
_HELD = (
    select(Member.id)
    .where(_IS_NAMED, Member.merged_into_id.is_(None))
    .order_by(Member.id)
    .with_for_update(read=True, key_share=True)
    .cte("held")
)
_HOLD = select(func.count()).select_from(_HELD)
