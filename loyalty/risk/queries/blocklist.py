"""The blocklist (黑名单): who and what is on it now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    DateTime,
    LargeBinary,
    Select,
    and_,
    any_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.arrays import SentArray
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.kernel.prepared import send
from loyalty.members.models import Member
from loyalty.risk.models import Block, Sighting
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


def is_blocked(
    session: Session, *, subject: Subject, at: datetime, values: Collection[bytes] = (), beside: Sequence[Subject] = ()
) -> bool:
    """Tell whether somebody is blocked: as a member, by the phone, by any device, or by where they were seen last.

    ``values`` are blind indexes of where they are now, which no sighting tells of yet; ``beside`` are others of whom
    none may be blocked either.
    """
    session.flush()  # what is blocked or known only since this transaction counts too
    subjects = (subject, *beside)
    asked = {
        "member_ids": [each.member_id for each in subjects],
        "identity_ids": [each.identity_id for each in subjects],
        "value_indexes": list(values),
        "at": at,
    }
    return bool(send(session, _IS_BLOCKED, asked)[0].is_blocked)


def list_blocks(
    session: Session,
    *,
    at: datetime,
    kind: BlockKind | None = None,
    member_id: int | None = None,
    is_live: bool | None = None,
    same_as: int | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[BlockView]:
    """Return a page of the blocklist, the newest first; ``same_as`` keeps those of what that block is of."""
    query = select(Block).order_by(Block.id.desc()).limit(limit + 1)
    if kind is not None:
        query = query.where(Block.kind == kind)
    if member_id is not None:
        query = query.where(Block.member_id == member_id)
    if is_live is not None:
        query = query.where(_is_live(at) if is_live else ~_is_live(at))
    if same_as is not None:
        found = aliased(Block, name="found")
        query = query.where(Block.value_index.in_(select(found.value_index).where(found.id == same_as)))
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Block.id < last_id)
    rows: Sequence[Block] = session.scalars(query).all()
    return page_of([_view(row) for row in rows], limit=limit, id_of=lambda view: view.id)


def find_latest_block(session: Session, *, kind: BlockKind, value_index: bytes) -> int | None:
    """Return the latest block of a phone, a device or an address by its blind index, live or ended."""
    return session.scalar(select(func.max(Block.id)).where(Block.kind == kind, Block.value_index == value_index))


def _is_live(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return and_(Block.lifted_at.is_(None), or_(Block.expires_at.is_(None), Block.expires_at > at))


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


def _any_blocked() -> Select[Any]:
    subject = (
        func.unnest(
            bindparam("member_ids", type_=SentArray(BigInteger())),
            bindparam("identity_ids", type_=SentArray(BigInteger())),
        )
        .table_valued("member_id", "identity_id")
        .render_derived(name="subject")
    )
    as_visitor = and_(Sighting.identity_id == subject.c.identity_id, Sighting.member_id.is_(None))
    is_seen = or_(Sighting.member_id == subject.c.member_id, as_visitor)
    devices = select(Sighting.device_index).join(subject, is_seen).where(Sighting.device_index.is_not(None))
    seen = select(Sighting.ip_index).where(is_seen, Sighting.ip_index.is_not(None))
    last_seen = seen.order_by(Sighting.seen_at.desc(), Sighting.id.desc()).limit(1).lateral("last_seen")
    addresses = select(last_seen.c.ip_index).select_from(subject.join(last_seen, true()))
    phones = select(Member.phone_index).join(subject, Member.id == subject.c.member_id)
    family = select(Member.id).join(
        subject, or_(Member.id == subject.c.member_id, Member.merged_into_id == subject.c.member_id)
    )
    is_theirs = or_(
        and_(Block.kind == BlockKind.DEVICE, Block.value_index.in_(devices)),
        and_(Block.kind == BlockKind.IP, Block.value_index.in_(addresses)),
        and_(Block.kind == BlockKind.PHONE, Block.value_index.in_(phones)),
        Block.value_index == any_(bindparam("value_indexes", type_=SentArray(LargeBinary()))),
        Block.member_id.in_(family),
    )
    at = bindparam("at", type_=DateTime(timezone=True))
    return select(exists().where(_is_live(at), is_theirs).label("is_blocked"))


_IS_BLOCKED = _any_blocked()
