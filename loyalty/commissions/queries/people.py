"""Who may be paid: of many members at once, who is still one, who is blocked, and whose survivor each is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, and_, any_, bindparam, exists, func, or_, select, union
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.arrays import SentArray
from loyalty.members.models import Member
from loyalty.members.queries import HOLDING
from loyalty.risk.models import Block, Sighting

_Own, _Kin = aliased(Member), aliased(Member)


@dataclass(frozen=True, slots=True)
class Person:
    """A member as they are now: who survives of them, and whether that one may be paid."""

    survivor_id: int
    is_gone: bool
    is_blocked: bool


def people(session: Session, *, member_ids: Collection[int], at: datetime) -> Mapping[int, Person]:
    """Return members by the ids asked for, merged ones as their survivors."""
    if not member_ids:
        return {}
    rows = session.execute(_PEOPLE, {"member_ids": list(member_ids)}).all()
    blocked = _blocked(session, {row[1] for row in rows}, at)
    return {member_id: Person(own_id, status not in HOLDING, own_id in blocked) for member_id, own_id, status in rows}


def _blocked(session: Session, member_ids: Collection[int], at: datetime) -> frozenset[int]:
    """Return who is on the blocklist: as a member, by the phone, by any device, or by where they were seen last."""
    is_live = and_(Block.lifted_at.is_(None), or_(Block.expires_at.is_(None), Block.expires_at > at))
    if not session.scalar(select(exists().where(is_live))):
        return frozenset()
    given = {"member_ids": list(member_ids)}
    ways = (
        select(_FAMILY.c.own_id).join(Block, Block.member_id == _FAMILY.c.kin_id),
        select(_FAMILY.c.own_id).join(Block, Block.value_index == _FAMILY.c.phone_index),
        select(_FAMILY.c.own_id)
        .join(Sighting, Sighting.member_id == _FAMILY.c.kin_id)
        .join(Block, Block.value_index == Sighting.device_index),
        select(_LAST_ADDRESS.c.own_id).join(Block, Block.value_index == _LAST_ADDRESS.c.ip_index),
    )
    return frozenset(session.scalars(union(*(way.where(is_live) for way in ways)), given))


_MEMBER_IDS = any_(bindparam("member_ids", type_=SentArray(BigInteger())))
_PEOPLE = (
    select(Member.id, func.coalesce(Member.merged_into_id, Member.id), _Own.status)
    .join(_Own, _Own.id == func.coalesce(Member.merged_into_id, Member.id))
    .where(Member.id == _MEMBER_IDS)
)
_FAMILY = (
    select(_Own.id.label("own_id"), _Kin.id.label("kin_id"), _Own.phone_index)
    .join(_Kin, or_(_Kin.id == _Own.id, _Kin.merged_into_id == _Own.id))
    .where(_Own.id == _MEMBER_IDS)
    .cte("family")
)
_LAST_ADDRESS = (
    select(_FAMILY.c.own_id, Sighting.ip_index)
    .ext(distinct_on(_FAMILY.c.own_id))
    .join(Sighting, (Sighting.member_id == _FAMILY.c.kin_id) & Sighting.ip_index.is_not(None))
    .order_by(_FAMILY.c.own_id, Sighting.seen_at.desc(), Sighting.id.desc())
    .subquery("last_address")
)
