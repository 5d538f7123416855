"""Growth (成长值): added by what a member does, and taken back when it is undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.members.queries import family_of
from loyalty.tiers.models import GrowthEntry
from loyalty.tiers.queries import level_before_period, standing_of
from loyalty.tiers.rules import Standing, TierChangeCause, check_growth
from loyalty.tiers.service.changes import Holder, change_level, lock_and_add, set_grace, subtract


@dataclass(frozen=True, slots=True)
class Review:
    """What came of growth: that of the period, and the level it reached; a replay and growth of zero change nothing."""

    growth: int
    level: int
    is_promoted: bool
    is_replay: bool
    taken: int = 0
    """How much ``lower`` took back, which is never more than was left."""


def review(
    session: Session,
    *,
    member_id: int,
    growth: int,
    reference: str,
    at: datetime,
    counted_at: datetime | None = None,
    part_of: str | None = None,
) -> Review:
    """Add growth to a member and raise the level it reaches (升级), at once; this alone never lowers one.

    Reviewing again under the same reference adds nothing, also when somebody was merged into the member who had the
    growth before. ``counted_at`` is when what brought it happened, for reports that come late; it decides in which
    period the growth counts. ``part_of`` is the reference of the growth that this corrects, for ``lower`` to take both
    back together. A promotion records ``tier.promoted``.

    Raises:
        InvalidGrowth: it is below zero or absurdly large.
    """
    check_growth(growth)
    values = {"growth": growth, "part_of": part_of, "counted_at": counted_at or at, "recorded_at": at}
    if growth and not _note_once(session, member_id, reference, **values):
        standing = lock_and_add(session, member_id=member_id, growth=0, at=at).standing
        return Review(standing.growth, standing.level_at(at), is_promoted=False, is_replay=True)
    holder = lock_and_add(session, member_id=member_id, growth=growth, at=at)
    after, is_promoted = _raise(session, holder)
    return Review(after.growth, after.level_at(at), is_promoted, is_replay=False)


def reach(session: Session, *, member_id: int, at: datetime) -> Review:
    """Raise the level that growth reaches which a statement has just added (``tiers.adding``), as ``review`` does."""
    holder = Holder(member_id, standing_of(session, member_id=member_id, at=at), at)
    after, is_promoted = _raise(session, holder)
    return Review(after.growth, after.level_at(at), is_promoted, is_replay=False)


def lower(session: Session, *, member_id: int, growth: int, of: str, reference: str, at: datetime) -> Review:
    """Take back growth that the event ``of`` brought, because it was refunded; never more than is left of it.

    It leaves the very period in which it was counted, so that no period falls below zero. A level that the growth of
    the period no longer reaches goes at once, though not below the level that was held before the period; whatever
    else is lost by it waits for the evaluation with its grace (ADR 0029). The same reference again changes nothing.

    Raises:
        InvalidGrowth: it is below zero or absurdly large.
    """
    check_growth(growth)
    before = lock_and_add(session, member_id=member_id, growth=0, at=at)
    taken = _take_back(session, member_id, growth, of, reference, at)
    if not taken:
        is_replay = _is_known(session, [member_id], reference)
        return Review(before.standing.growth, before.standing.level_at(at), is_promoted=False, is_replay=is_replay)
    after = _fall(session, subtract(session, before, growth=taken), reached_before=before.standing.reached)
    return Review(after.growth, after.level_at(at), is_promoted=False, is_replay=False, taken=taken)


def _raise(session: Session, holder: Holder) -> tuple[Standing, bool]:
    standing = holder.standing
    if standing.reached > standing.level:
        after = change_level(session, holder, to_level=standing.reached, cause=TierChangeCause.PROMOTED)
        return after, after.level_at(holder.at) > standing.level_at(holder.at)
    if standing.reached == standing.level and standing.grace_until_at is not None:
        set_grace(session, holder, until_at=None)
    return standing, False


def _fall(session: Session, holder: Holder, *, reached_before: int) -> Standing:
    standing = holder.standing
    if standing.reached >= standing.level or reached_before < standing.level:
        return standing  # kept, or lost already for another reason, which has its grace
    family = family_of(session, member_id=holder.member_id)
    level = max(standing.reached, level_before_period(session, member_ids=family, at=holder.at))
    if level >= standing.level:
        return standing
    return change_level(session, holder, to_level=level, cause=TierChangeCause.REFUNDED)


def _take_back(session: Session, member_id: int, growth: int, of: str, reference: str, at: datetime) -> int:
    family = family_of(session, member_id=member_id)
    left = session.execute(
        select(func.coalesce(func.sum(GrowthEntry.growth), 0), func.min(GrowthEntry.counted_at)).where(
            GrowthEntry.member_id.in_(family), or_(GrowthEntry.reference == of, GrowthEntry.part_of == of)
        )
    ).one()
    taken = min(growth, int(left[0]))
    values = {"growth": -taken, "reference": reference, "part_of": of, "counted_at": left[1], "recorded_at": at}
    return taken if taken > 0 and _note(session, member_id=member_id, **values) else 0


def _is_known(session: Session, member_ids: Sequence[int], reference: str) -> bool:
    known = select(GrowthEntry.id).where(GrowthEntry.member_id.in_(member_ids), GrowthEntry.reference == reference)
    return session.scalar(select(known.exists())) or False


def _note_once(session: Session, member_id: int, reference: str, **values: object) -> bool:
    _own, *merged = family_of(session, member_id=member_id)
    if _is_known(session, merged, reference):
        return False
    return _note(session, member_id=member_id, reference=reference, **values)


def _note(session: Session, **values: object) -> bool:
    noted = session.execute(
        insert(GrowthEntry)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[GrowthEntry.member_id, GrowthEntry.reference])
        .returning(GrowthEntry.id)
    )
    return noted.first() is not None
