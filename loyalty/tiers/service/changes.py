"""Changing a level: the row, its line in the history, and the event that tells of it, always together."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_update
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.tiers.models import MemberTier, TierChange
from loyalty.tiers.queries import standing_of
from loyalty.tiers.rules import LOWEST_LEVEL, Standing, TierChangeCause

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Holder:
    """A member whose row is locked, with where they stood before the change."""

    member_id: int
    standing: Standing
    at: datetime


def lock_and_add(session: Session, *, member_id: int, growth: int, at: datetime) -> Holder:
    """Hold a member's row until the transaction ends, made when there is none, and add to its sum of growth.

    ``growth`` is not below zero: PostgreSQL checks the row that would be inserted also where one is there.
    """
    new = insert_or_update(MemberTier).values(member_id=member_id, growth=growth, level=LOWEST_LEVEL, since_at=at)
    session.execute(
        new.on_conflict_do_update(
            index_elements=[MemberTier.member_id], set_={"growth": MemberTier.growth + new.excluded.growth}
        )
    )
    return Holder(member_id, standing_of(session, member_id=member_id, at=at), at)


def subtract(session: Session, holder: Holder, *, growth: int) -> Holder:
    """Take growth from the sum, and return where the member stands then."""
    _update(session, holder.member_id, growth=MemberTier.growth - growth)
    return Holder(holder.member_id, standing_of(session, member_id=holder.member_id, at=holder.at), holder.at)


def lock(session: Session, *, member_id: int, at: datetime) -> Holder | None:
    """Hold a member's row until the transaction ends; None when there is none."""
    held = select(MemberTier.member_id).where(MemberTier.member_id == member_id).with_for_update(key_share=True)
    if session.scalar(held) is None:
        return None
    return Holder(member_id, standing_of(session, member_id=member_id, at=at), at)


def change_level(
    session: Session, holder: Holder, *, to_level: int, cause: TierChangeCause, actor: str = SYSTEM
) -> Standing:
    """Set the level that growth reached, end any grace, and tell of it when it is the level that counts."""
    before = holder.standing
    after = replace(before, level=to_level, grace_until_at=None)
    _update(session, holder.member_id, level=to_level, since_at=holder.at, grace_until_at=None)
    change_id = note_change(session, holder, cause=cause, from_level=before.level, to_level=to_level, actor=actor)
    announce(session, holder, after, change_id=change_id, cause=cause)
    return after


def set_grace(session: Session, holder: Holder, *, until_at: datetime | None) -> None:
    """Begin or end the time in which the growth has to suffice again (宽限期)."""
    _update(session, holder.member_id, grace_until_at=until_at)


def set_manual(session: Session, holder: Holder, *, level: int | None, until_at: datetime | None) -> Standing:
    """Set or remove the level by hand."""
    _update(session, holder.member_id, manual_level=level, manual_until_at=until_at)
    return replace(holder.standing, manual_level=level, manual_until_at=until_at)


def note_change(
    session: Session,
    holder: Holder,
    *,
    cause: TierChangeCause,
    from_level: int,
    to_level: int,
    actor: str = SYSTEM,
    until_at: datetime | None = None,
    reason_sealed: bytes | None = None,
) -> int:
    """Write a line of the history and return its id."""
    return session.execute(
        insert(TierChange)
        .values(
            member_id=holder.member_id,
            cause=cause.value,
            from_level=from_level,
            to_level=to_level,
            growth=holder.standing.kept_by,
            until_at=until_at,
            actor=actor,
            reason_sealed=reason_sealed,
            changed_at=holder.at,
        )
        .returning(TierChange.id)
    ).scalar_one()


def announce(
    session: Session, holder: Holder, after: Standing, *, change_id: int, cause: TierChangeCause, from_level: int = 0
) -> None:
    """Record ``tier.promoted`` or ``tier.demoted`` when the level that counts is another than before.

    ``from_level`` is that before, where the holder's standing does not tell.
    """
    was, now = from_level or holder.standing.level_at(holder.at), after.level_at(holder.at)
    if was == now:
        return
    payload = {
        "member_id": holder.member_id,
        "change_id": change_id,
        "cause": cause.value,
        "from_level": was,
        "to_level": now,
    }
    outbox.record(session, "tier.promoted" if now > was else "tier.demoted", payload, at=holder.at)


def _update(session: Session, member_id: int, **values: object) -> None:
    session.execute(
        update(MemberTier)
        .where(MemberTier.member_id == member_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
