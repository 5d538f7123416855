"""Moving a merged member's growth to the survivor (合并), each part in the period in which it counts."""

from datetime import datetime

from sqlalchemy import Integer, String, cast, func, insert, literal, select, union_all, update
from sqlalchemy.orm import Session

from loyalty.tiers.models import GrowthEntry, MemberTier
from loyalty.tiers.rules import LOWEST_LEVEL, Standing, TierChangeCause
from loyalty.tiers.service.changes import Holder, change_level, lock, lock_and_add, set_manual
from loyalty.tiers.service.growth import Review


def transfer(session: Session, *, from_member_id: int, to_member_id: int, reference: str, at: datetime) -> Review:
    """Move a merged member's growth to the survivor, who keeps the higher of the two levels, also of those by hand.

    What is left of each instant's growth moves as it is, so that no period is changed by a merge. Transferring again
    moves nothing. The history of levels stays where it is and is read through the survivor.
    """
    for member_id in sorted((from_member_id, to_member_id)):
        lock_and_add(session, member_id=member_id, growth=0, at=at)
    leaving = lock(session, member_id=from_member_id, at=at)
    assert leaving is not None, "its row was made above"
    is_replay = not _move_entries(session, from_member_id, to_member_id, reference, at) and leaving.standing == _EMPTY
    _leave_empty(session, from_member_id)
    arrived = lock(session, member_id=to_member_id, at=at)
    assert arrived is not None, "its row was made above"
    after = _keep_the_higher(session, arrived, leaving.standing, at)
    is_promoted = after.level_at(at) > arrived.standing.level_at(at)
    return Review(after.growth, after.level_at(at), is_promoted, is_replay)


_EMPTY = Standing(level=LOWEST_LEVEL, growth=0, kept_by=0, reached=LOWEST_LEVEL)


def _move_entries(session: Session, from_id: int, to_id: int, reference: str, at: datetime) -> int:
    """Write the two halves for each instant and return how much moved."""
    left = (
        select(
            GrowthEntry.counted_at,
            func.sum(GrowthEntry.growth).label("growth"),
            func.row_number().over(order_by=GrowthEntry.counted_at).label("number"),
        )
        .where(GrowthEntry.member_id == from_id)
        .group_by(GrowthEntry.counted_at)
        .having(func.sum(GrowthEntry.growth) != 0)
        .cte("left")
    )
    named = literal(f"{reference}:", String) + cast(cast(left.c.number, Integer), String)
    halves = [
        select(literal(member_id), sign * left.c.growth, named, left.c.counted_at, literal(at))
        for member_id, sign in ((from_id, -1), (to_id, 1))
    ]
    columns = ["member_id", "growth", "reference", "counted_at", "recorded_at"]
    moved = session.execute(
        insert(GrowthEntry)
        .from_select(columns, union_all(*halves))
        .returning(GrowthEntry.member_id, GrowthEntry.growth)
    )
    growth = sum(row.growth for row in moved if row.member_id == to_id)
    session.execute(
        update(MemberTier)
        .where(MemberTier.member_id == to_id)
        .values(growth=MemberTier.growth + growth)
        .execution_options(synchronize_session=False)
    )
    return int(growth)


def _leave_empty(session: Session, member_id: int) -> None:
    session.execute(
        update(MemberTier)
        .where(MemberTier.member_id == member_id)
        .values(growth=0, level=LOWEST_LEVEL, grace_until_at=None, manual_level=None, manual_until_at=None)
        .execution_options(synchronize_session=False)
    )


def _keep_the_higher(session: Session, arrived: Holder, leaving: Standing, at: datetime) -> Standing:
    own = after = arrived.standing
    brought, kept = leaving.manual_at(at), own.manual_at(at)
    if brought is not None and (kept is None or brought > kept):
        after = set_manual(session, arrived, level=brought[0], until_at=brought[1])
        arrived = Holder(arrived.member_id, after, at)
    level = max(own.level, own.reached, leaving.level)
    if level > own.level:
        cause = TierChangeCause.PROMOTED if own.reached == level > leaving.level else TierChangeCause.MERGED
        after = change_level(session, arrived, to_level=level, cause=cause)
    return after
