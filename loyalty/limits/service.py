"""Limits service: reserving and giving back, inside the caller's transaction and last in it.

Limits are locked after accounts, lots and coupons: those with one counter together and ascending by their keys, then
those in buckets, which are the hottest. A reservation is undone by a rollback or by ``give_back``, by nothing else.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from loyalty.kernel.errors import InvariantBroken
from loyalty.limits import buckets, counters
from loyalty.limits.counters import COUNTERS
from loyalty.limits.many import give_back_for_each, reserve_for_each, used_by_each
from loyalty.limits.moving import move
from loyalty.limits.rules import Granted, Limit

__all__ = [
    "give_back",
    "give_back_for_each",
    "move",
    "purge",
    "reserve",
    "reserve_for_each",
    "reserve_up_to",
    "used",
    "used_by_each",
    "used_of_many",
]


def reserve(session: Session, *, limits: Sequence[Limit], amount: int) -> None:
    """Take ``amount`` from every limit (占用额度), or from none of them.

    Raises:
        LimitExhausted: one has less left; the details name it. Nothing has changed then.
    """
    granted = _take(session, limits, amount, at_least=amount)
    if granted.stopped_by is not None:
        left = _left(session, granted.stopped_by)
        raise granted.stopped_by.exhausted(left)


def reserve_up_to(session: Session, *, limits: Sequence[Limit], amount: int) -> Granted:
    """Take as much of ``amount`` as every limit allows, the same from each, and name the one that allowed no more."""
    return _take(session, limits, amount, at_least=1)


def give_back(session: Session, *, limits: Sequence[Limit], amount: int) -> None:
    """Put back what was reserved (归还额度), by the amount that was granted.

    Limits of a past period whose counters have been deleted are passed over.

    Raises:
        InvariantBroken: of one limit less is used than is given back.
    """
    assert amount >= 0
    if amount == 0:
        return
    single, bucketed = _split(limits)
    if single:
        found = counters.lock_existing(session, single)
        short = [key for key, count in found.items() if count < amount]
        if short:
            raise InvariantBroken(f"More is given back than was taken of {short[0]}: {amount}")
        counters.add(session, [limit for limit in single if limit.key in found], -amount)
    for limit in bucketed:
        buckets.give_back(session, limit, amount)


def used(session: Session, *, limit: Limit) -> int:
    """Return how much of a limit is in use at this moment."""
    return limit.ceiling - _left(session, limit)


def used_of_many(session: Session, *, limits: Sequence[Limit]) -> Mapping[tuple[str, str, str], int]:
    """Return how much of limits with one counter each is in use, by their keys; of one never used, nothing."""
    return counters.used(session, limits) if limits else {}


def purge(session: Session, *, before: date, limit: int = 10_000) -> int:
    """Delete counters of periods that ended before a date, up to ``limit`` of them; return how many."""
    key = tuple_(COUNTERS.c.subject, COUNTERS.c.entity, COUNTERS.c.period, COUNTERS.c.bucket)
    over = select(*key.clauses).where(COUNTERS.c.last_on < before).limit(limit)
    return len(session.execute(delete(COUNTERS).where(key.in_(over)).returning(COUNTERS.c.bucket)).all())


def _take(session: Session, limits: Sequence[Limit], amount: int, *, at_least: int) -> Granted:
    assert amount >= 0
    if amount == 0 or not limits:
        return Granted(amount)
    single, bucketed = _split(limits)
    granted = _take_single(session, single, amount, at_least) if single else Granted(amount)
    held = list(single)
    for limit in bucketed:
        if granted.amount == 0:
            break
        taken = buckets.take(session, limit, granted.amount, at_least=min(at_least, granted.amount))
        if taken < granted.amount:
            give_back(session, limits=held, amount=granted.amount - taken)
            granted = Granted(taken, limit)
        held.append(limit)
    return granted


def _take_single(session: Session, limits: Sequence[Limit], amount: int, at_least: int) -> Granted:
    if counters.take(session, limits, amount):
        return Granted(amount)
    granted = _least(limits, counters.left(session, limits), amount)
    if granted.amount < at_least and granted.stopped_by is not None:
        return Granted(0, granted.stopped_by)
    granted = _least(limits, counters.lock(session, limits), amount)
    if granted.amount < at_least:
        return Granted(0, granted.stopped_by)
    counters.add(session, limits, granted.amount)
    return granted


def _least(limits: Sequence[Limit], left: Sequence[int], amount: int) -> Granted:
    room, index = min((room, index) for index, room in enumerate(left))
    return Granted(amount) if room >= amount else Granted(max(0, room), limits[index])


def _left(session: Session, limit: Limit) -> int:
    if limit.buckets == 1:
        return counters.left(session, [limit])[0]
    room = buckets.left(session, limit)
    return limit.ceiling if room is None else room


def _split(limits: Sequence[Limit]) -> tuple[Sequence[Limit], Sequence[Limit]]:
    return (
        [limit for limit in limits if limit.buckets == 1],
        sorted((limit for limit in limits if limit.buckets > 1), key=lambda limit: limit.key),
    )
