"""The blocklist (黑名单): who and what is on it now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.members.models import Member
from loyalty.members.queries import family_ids
from loyalty.risk.models import Block, Sighting
from loyalty.risk.queries.counting import is_of
from loyalty.risk.rules.blocks import BlockKind
from loyalty.risk.rules.subjects import Subject


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block as lists show it; what is blocked of a phone, a device or an address is nowhere in clear."""

    id: int
    kind: BlockKind
    member_id: int | None
    reason: str
    blocked_by: str
    blocked_at: datetime
    expires_at: datetime | None
    lifted_by: str | None
    lifted_at: datetime | None


def is_blocked(session: Session, *, subject: Subject, at: datetime, values: Collection[bytes] = ()) -> bool:
    """Tell whether somebody is blocked: as a member, by the phone, by any device, or by where they were seen last.

    ``values`` are blind indexes of where they are now, which no sighting tells of yet.
    """
    kinds: list[ColumnElement[bool]] = [
        and_(Block.kind == BlockKind.DEVICE, Block.value_index.in_(_devices_of(subject))),
        and_(Block.kind == BlockKind.IP, Block.value_index.in_(_last_address_of(subject))),
    ]
    if values:
        kinds.append(Block.value_index.in_(values))
    if subject.member_id is not None:
        own = select(Member.phone_index).where(Member.id == subject.member_id)
        kinds.append(and_(Block.kind == BlockKind.PHONE, Block.value_index.in_(own)))
        kinds.append(Block.member_id.in_(family_ids(subject.member_id)))
    return bool(session.scalar(select(select(Block.id).where(_is_live(at), or_(*kinds)).exists())))


def list_blocks(
    session: Session,
    *,
    at: datetime,
    kind: BlockKind | None = None,
    member_id: int | None = None,
    is_live: bool | None = None,
    values: Collection[bytes] | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[BlockView]:
    """Return a page of the blocklist, the newest first; ``values`` keeps those of these blind indexes."""
    query = select(Block).order_by(Block.id.desc()).limit(limit + 1)
    if kind is not None:
        query = query.where(Block.kind == kind)
    if member_id is not None:
        query = query.where(Block.member_id == member_id)
    if is_live is not None:
        query = query.where(_is_live(at) if is_live else ~_is_live(at))
    if values is not None:
        query = query.where(Block.value_index.in_(values))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Block.id < last_id)
    rows: Sequence[Block] = session.scalars(query).all()
    return page_of([_view(row) for row in rows], limit=limit, id_of=lambda view: view.id)


def _is_live(at: datetime) -> ColumnElement[bool]:
    return and_(Block.lifted_at.is_(None), or_(Block.expires_at.is_(None), Block.expires_at > at))


def _devices_of(subject: Subject) -> Any:
    return select(Sighting.device_index).where(is_of(subject), Sighting.device_index.is_not(None))


def _last_address_of(subject: Subject) -> Any:
    seen = select(Sighting.ip_index).where(is_of(subject), Sighting.ip_index.is_not(None))
    return seen.order_by(Sighting.seen_at.desc(), Sighting.id.desc()).limit(1)


def _view(row: Block) -> BlockView:
    return BlockView(
        id=row.id,
        kind=BlockKind(row.kind),
        member_id=row.member_id,
        reason=row.reason,
        blocked_by=row.blocked_by,
        blocked_at=row.blocked_at,
        expires_at=row.expires_at,
        lifted_by=row.lifted_by,
        lifted_at=row.lifted_at,
    )
