"""A level set by hand (人工定级): a floor under what growth reaches, with a reason and an end."""

import base64
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members.keys import seal_for_member
from loyalty.members.queries import require_living
from loyalty.tiers.queries import list_tiers
from loyalty.tiers.rules import LOWEST_LEVEL, NoManualLevel, TierChangeCause, check_manual_level
from loyalty.tiers.service.changes import SYSTEM, Holder, announce, lock, lock_and_add, note_change, set_manual


def set_manual_level(
    session: Session,
    vault: Vault,
    *,
    member_id: int,
    level: int,
    until_at: datetime,
    reason: str,
    actor: Actor,
    at: datetime,
) -> None:
    """Let a member stand at least on a level until an instant; another one by hand takes its place.

    The reason may speak of the person: in the audit log it is sealed under the member's own key.

    Raises:
        InvalidManualLevel: not a level of the ladder above the member's own, no end to come, or no reason.
        MemberNotFound, MemberGone, MemberProvisional: there is no such living member.
    """
    require_living(session, member_id=member_id)
    holder = lock_and_add(session, member_id=member_id, growth=0, at=at)
    top_level = max((tier.level for tier in list_tiers(session)), default=LOWEST_LEVEL)
    check_manual_level(holder.standing, level=level, top_level=top_level, until_at=until_at, reason=reason, at=at)
    reason = reason.strip()
    _begin_manual(session, vault, holder, level, until_at, reason, actor)
    sealed = seal_for_member(session, vault=vault, member_id=member_id, plain=reason, context="audit.reason", at=at)
    audit.write(
        session,
        actor=actor,
        action="tiers.set_manual_level",
        subject=f"member:{member_id}",
        before=_told(holder.standing.manual_level, holder.standing.manual_until_at),
        after={**_told(level, until_at), "reason_sealed": base64.b64encode(sealed).decode()},
        at=at,
    )


def end_manual_level(session: Session, *, member_id: int, actor: Actor, at: datetime) -> None:
    """End a level by hand before its time: the member stands where growth reaches.

    Raises:
        NoManualLevel: there is none.
        MemberNotFound, MemberGone, MemberProvisional: there is no such living member.
    """
    require_living(session, member_id=member_id)
    holder = lock(session, member_id=member_id, at=at)
    if holder is None or holder.standing.manual_at(at) is None:
        raise NoManualLevel(member_id=member_id)
    before = _told(holder.standing.manual_level, holder.standing.manual_until_at)
    end_manual(session, holder, actor=actor.name)
    subject = f"member:{member_id}"
    audit.write(session, actor=actor, action="tiers.end_manual_level", subject=subject, before=before, at=at)


def end_manual(session: Session, holder: Holder, *, actor: str = SYSTEM) -> Holder:
    """Take a level by hand away, note it and tell of it; it may have ended by itself a moment ago."""
    before = holder.standing
    was = max(before.level, before.manual_level or LOWEST_LEVEL)
    after = set_manual(session, holder, level=None, until_at=None)
    change_id = note_change(
        session, holder, cause=TierChangeCause.MANUAL_ENDED, from_level=was, to_level=after.level, actor=actor
    )
    announce(session, holder, after, change_id=change_id, cause=TierChangeCause.MANUAL_ENDED, from_level=was)
    return Holder(holder.member_id, after, holder.at)


def _begin_manual(
    session: Session, vault: Vault, holder: Holder, level: int, until_at: datetime, reason: str, actor: Actor
) -> None:
    """Set a level by hand, note it and tell of it."""
    after = set_manual(session, holder, level=level, until_at=until_at)
    change_id = note_change(
        session,
        holder,
        cause=TierChangeCause.MANUAL,
        from_level=holder.standing.level_at(holder.at),
        to_level=after.level_at(holder.at),
        actor=actor.name,
        until_at=until_at,
        reason_sealed=vault.seal(reason, context="tier_changes.reason"),
    )
    announce(session, holder, after, change_id=change_id, cause=TierChangeCause.MANUAL)


def _told(level: int | None, until_at: datetime | None) -> dict[str, object]:
    return {"level": level, "until_at": None if until_at is None else until_at.isoformat()}
