"""Blocking and unblocking (拉黑、解除): with a reason, until a day, audited."""

from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.checking import ID_MAX
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.rules.members import MemberNotFound
from loyalty.members.rules.phones import normalise_phone
from loyalty.risk.models import Block, Sighting
from loyalty.risk.rules.blocks import BlockEnded, BlockKind, BlockNotFound, InvalidBlock, Target, check_block
from loyalty.risk.rules.reasons import check_reason
from loyalty.risk.service.sighting import DEVICE, IP, PHONE

_CONTEXTS = {BlockKind.PHONE: PHONE, BlockKind.DEVICE: DEVICE, BlockKind.IP: IP}


def block(
    session: Session,
    *,
    vault: Vault,
    target: Target,
    reason: str,
    expires_at: datetime | None,
    actor: Actor,
    at: datetime,
) -> int:
    """Put a member, a phone, a device or an address on the blocklist; return the id of the block.

    Raises:
        InvalidBlock: of nothing, in the past, or too long for what passes to other people.
        InvalidRiskReason: the reason is empty or too long.
        MemberNotFound: there is no such member.
        PhoneInvalid: no mobile number of the four regions.
    """
    check_block(target, reason=reason, expires_at=expires_at, at=at)
    if target.kind is BlockKind.MEMBER:
        return _write(session, target.kind, _member_id(session, target.value), None, reason, expires_at, actor, at)
    value = normalise_phone(target.value) if target.kind is BlockKind.PHONE else target.value
    index = vault.index(value, context=_CONTEXTS[target.kind])
    return _write(session, target.kind, None, index, reason, expires_at, actor, at)


def block_where_seen(
    session: Session,
    *,
    member_id: int,
    kind: BlockKind,
    reason: str,
    expires_at: datetime,
    actor: Actor,
    at: datetime,
) -> int:
    """Block all devices of a member, or the addresses where they were seen, and return how many; nobody sees them.

    Raises:
        InvalidBlock: in the past, too long, or of anything but devices and addresses.
        InvalidRiskReason: the reason is empty or too long.
    """
    check_block(Target(kind, str(member_id)), reason=reason, expires_at=expires_at, at=at)
    columns = {BlockKind.DEVICE: Sighting.device_index, BlockKind.IP: Sighting.ip_index}
    if kind not in columns:
        raise InvalidBlock(field="kind")
    column = columns[kind]
    seen = select(column).where(Sighting.member_id == member_id, column.is_not(None)).distinct()
    indexes = session.scalars(seen.order_by(column)).all()
    for index in indexes:
        _write(session, kind, None, index, reason, expires_at, actor, at)
    return len(indexes)


def unblock(session: Session, *, block_id: int, reason: str, actor: Actor, at: datetime) -> None:
    """Take something off the blocklist before it expires.

    Raises:
        BlockNotFound: there is no such block.
        BlockEnded: it was lifted before.
        InvalidRiskReason: the reason is empty or too long.
    """
    check_reason(reason)
    lifted = session.scalar(
        update(Block)
        .where(Block.id == block_id, Block.lifted_at.is_(None))
        .values(lifted_by=actor.name, lifted_at=at)
        .returning(Block.id)
        .execution_options(synchronize_session=False)
    )
    if lifted is None:
        known = session.scalar(select(Block.id).where(Block.id == block_id))
        raise BlockNotFound(block_id=block_id) if known is None else BlockEnded(block_id=block_id)
    _audit(session, "risk.unblock", block_id, {"reason": reason}, actor, at)


def _member_id(session: Session, value: str) -> int:
    member_id = int(value) if value.isdecimal() and value.isascii() else 0
    if not 0 < member_id <= ID_MAX or session.scalar(select(Member.id).where(Member.id == member_id)) is None:
        raise MemberNotFound
    return member_id


def _write(
    session: Session,
    kind: BlockKind,
    member_id: int | None,
    value_index: bytes | None,
    reason: str,
    expires_at: datetime | None,
    actor: Actor,
    at: datetime,
) -> int:
    row = {"kind": kind, "member_id": member_id, "value_index": value_index, "reason": reason}
    block_id = session.execute(
        insert(Block).values(**row, blocked_by=actor.name, blocked_at=at, expires_at=expires_at).returning(Block.id)
    ).scalar_one()
    told = {"kind": kind.value, "member_id": member_id, "reason": reason}
    ends = None if expires_at is None else expires_at.isoformat()
    _audit(session, "risk.block", block_id, {**told, "expires_at": ends}, actor, at)
    return block_id


def _audit(session: Session, action: str, block_id: int, after: dict[str, object], actor: Actor, at: datetime) -> None:
    audit.write(session, actor=actor, action=action, subject=f"risk_block:{block_id}", after=after, at=at)
