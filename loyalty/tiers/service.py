"""Tier service: growth is added once for each reference, and a level reached is told at once."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor
from loyalty.tiers.models import GrowthEntry, MemberTier, TierStep
from loyalty.tiers.queries import list_tiers, tier_of
from loyalty.tiers.rules import Tier, check_growth, check_tiers

__all__ = ["Review", "review", "save_tiers", "tier_of", "transfer"]

_LOWEST = 1


@dataclass(frozen=True, slots=True)
class Review:
    """What a review came to; a replay and growth of zero change nothing."""

    growth: int
    level: int
    is_promoted: bool
    is_replay: bool


def review(session: Session, *, member_id: int, growth: int, reference: str, at: datetime) -> Review:
    """Add growth to a member and raise the level it reaches (升级), never lower it.

    Reviewing again under the same reference adds nothing. A promotion records ``tier.promoted``.

    Raises:
        InvalidGrowth: it is below zero or absurdly large.
    """
    check_growth(growth)
    if growth and not _note(session, member_id, growth, reference, at):
        tier = tier_of(session, member_id=member_id)
        return Review(tier.growth, tier.level, is_promoted=False, is_replay=True)
    total, before = _add(session, member_id, growth, at)
    return _promote(session, member_id, total, before, at)


def save_tiers(session: Session, *, tiers: Sequence[Tier], actor: Actor, at: datetime) -> None:
    """Put another ladder in place of the present one; members keep the levels they reached.

    Raises:
        InvalidTiers: some growth would have no level, or two.
    """
    check_tiers(tiers)
    before = {"tiers": [asdict(tier) for tier in list_tiers(session)]}
    session.execute(delete(TierStep))
    session.execute(insert(TierStep), [asdict(tier) for tier in tiers])
    after = {"tiers": [asdict(tier) for tier in tiers]}
    audit.write(session, actor=actor, action="tiers.save_tiers", subject="tiers", before=before, after=after, at=at)


def transfer(session: Session, *, from_member_id: int, to_member_id: int, reference: str, at: datetime) -> Review:
    """Move a merged member's growth to the survivor (合并), who keeps the higher of the two levels."""
    rows = session.execute(
        select(MemberTier.member_id, MemberTier.growth, MemberTier.level)
        .where(MemberTier.member_id.in_([from_member_id, to_member_id]))
        .order_by(MemberTier.member_id)
        .with_for_update(key_share=True)
    ).all()
    left = {row.member_id: row for row in rows}
    leaving = left[from_member_id].growth if from_member_id in left else 0
    if leaving and _note(session, from_member_id, -leaving, reference, at):
        session.execute(update(MemberTier).where(MemberTier.member_id == from_member_id).values(growth=0))
    moved = review(session, member_id=to_member_id, growth=leaving, reference=reference, at=at)
    reached = max((row.level for row in rows), default=_LOWEST)
    if reached > moved.level:
        session.execute(
            update(MemberTier).where(MemberTier.member_id == to_member_id).values(level=reached, since_at=at)
        )
    return Review(moved.growth, max(reached, moved.level), moved.is_promoted, moved.is_replay)


def _note(session: Session, member_id: int, growth: int, reference: str, at: datetime) -> bool:
    noted = session.execute(
        insert(GrowthEntry)
        .values(member_id=member_id, growth=growth, reference=reference, recorded_at=at)
        .on_conflict_do_nothing(index_elements=[GrowthEntry.member_id, GrowthEntry.reference])
        .returning(GrowthEntry.id)
    )
    return noted.first() is not None


def _add(session: Session, member_id: int, growth: int, at: datetime) -> tuple[int, int]:
    """Return the member's growth after and level before."""
    new = insert(MemberTier).values(member_id=member_id, growth=growth, level=_LOWEST, since_at=at)
    row = session.execute(
        new.on_conflict_do_update(
            index_elements=[MemberTier.member_id], set_={"growth": MemberTier.growth + new.excluded.growth}
        ).returning(MemberTier.growth, MemberTier.level)
    ).one()
    return row.growth, row.level


def _promote(session: Session, member_id: int, growth: int, before: int, at: datetime) -> Review:
    reached = session.execute(
        select(func.coalesce(func.max(TierStep.level), _LOWEST)).where(TierStep.growth_threshold <= growth)
    ).scalar_one()
    if reached <= before:
        return Review(growth, before, is_promoted=False, is_replay=False)
    session.execute(update(MemberTier).where(MemberTier.member_id == member_id).values(level=reached, since_at=at))
    payload = {"member_id": member_id, "from_level": before, "to_level": reached}
    outbox.record(session, "tier.promoted", payload, at=at)
    return Review(growth, reached, is_promoted=True, is_replay=False)
